import { describe } from 'vitest';
import { describeCases } from './contract-case.ts';
import { classACases } from './sink-class-a.ts';
import { classBCases } from './sink-class-b.ts';
import { classCCases } from './sink-class-c.ts';
import { classDCases } from './sink-class-d.ts';
import { describeAppend } from './sink-contract-append.ts';
import { describeCommits } from './sink-contract-commits.ts';
import { describeKeys } from './sink-contract-keys.ts';
import { describeKeyless } from './sink-contract-keyless.ts';
import { describePlaces } from './sink-contract-plan.ts';
import { describeRandom } from './sink-contract-random.ts';
import { describeRanges } from './sink-contract-ranges.ts';
import { describeRangeOrder } from './sink-contract-range-order.ts';
import { describeReadRange } from './sink-contract-read-range.ts';
import { describeRows } from './sink-contract-rows.ts';
import { describeSchema } from './sink-contract-schema.ts';
import { describeShapes } from './sink-contract-shapes.ts';
import { describeSoftDeletes } from './sink-contract-soft.ts';
import { describeStops } from './sink-contract-stop.ts';
import { describeSinkValues } from './sink-contract-values.ts';
import type { AtLeastOnceDriver, SinkDriver } from './sink-driver.ts';

/**
 * What a sink of the class that it advertises must hold to, whatever its store: the definition of a sink. Call it at the top
 * of a test file. Classes A, B and C keep tables, so what tables hold is common to them; each class has a suite of its own.
 */
export function sinkContract(driver: SinkDriver | AtLeastOnceDriver): void {
  describe(`sink contract: ${driver.name}, class ${driver.deliveryClass}`, () => {
    if (driver.deliveryClass !== 'D') describeMirror(driver);
    switch (driver.deliveryClass) {
      case 'A':
        describeAtomic(driver);
        describeCases('class A: rows and checkpoint in one transaction', classACases, driver);
        break;
      case 'B':
        describeAtomic(driver);
        describeCases('class B: an intent, then an apply that may be repeated', classBCases, driver);
        break;
      case 'C':
        describeCases('class C: rows with key and version', classCCases, driver);
        break;
      case 'D':
        describeCases('class D: every event at least once', classDCases, driver);
    }
  });
}

/** Tables with a key: what they hold in the end. */
function describeMirror(driver: SinkDriver): void {
  describeRows(driver);
  describeKeys(driver);
  describeSinkValues(driver);
  describeSchema(driver);
  describeShapes(driver);
  describeRanges(driver);
  describeRangeOrder(driver);
  describePlaces(driver);
  describeRandom(driver);
}

/** Where every commit is whole and happens once: tables without a key too, marks, histories, and what only commits show. */
function describeAtomic(driver: SinkDriver): void {
  describeCommits(driver);
  describeKeyless(driver);
  describeSoftDeletes(driver);
  describeReadRange(driver);
  describeAppend(driver);
  describeStops(driver);
}
