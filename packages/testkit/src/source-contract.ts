import { describe } from 'vitest';
import { describeConfirm } from './source-contract-confirm.ts';
import { describeCopy } from './source-contract-copy.ts';
import { describeFailures } from './source-contract-failures.ts';
import { describeMemory } from './source-contract-memory.ts';
import { describeResume } from './source-contract-resume.ts';
import { describeSourceSchema } from './source-contract-schema.ts';
import { describeStream } from './source-contract-stream.ts';
import { describeValues } from './source-contract-values.ts';
import type { SourceDriver, SourceEnvironment } from './source-driver.ts';

/**
 * What every source must hold to, whatever its database: this is the definition of a source. Call it at the top of a test
 * file. Batches of every session are also held to the order of positions, versions and checkpoints (see `OrderGuard`).
 */
export function sourceContract<Environment extends SourceEnvironment>(driver: SourceDriver<Environment>): void {
  describe(`source contract: ${driver.name}`, () => {
    describeCopy(driver);
    describeStream(driver);
    describeValues(driver);
    describeResume(driver);
    describeSourceSchema(driver);
    describeConfirm(driver);
    describeFailures(driver);
    describeMemory(driver);
  });
}
