import { describe } from 'vitest';
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
import type { SinkDriver } from './sink-driver.ts';

/** What every mirror sink must hold to, whatever its store: the definition of a sink. Call it at the top of a test file. */
export function sinkContract(driver: SinkDriver): void {
  describe(`sink contract: ${driver.name}, class ${driver.deliveryClass}`, () => {
    describeRows(driver);
    describeKeys(driver);
    describeSinkValues(driver);
    describeCommits(driver);
    describeSchema(driver);
    describeShapes(driver);
    describeKeyless(driver);
    describeSoftDeletes(driver);
    describeRanges(driver);
    describeRangeOrder(driver);
    describeReadRange(driver);
    describeAppend(driver);
    describeStops(driver);
    describePlaces(driver);
    describeRandom(driver);
  });
}
