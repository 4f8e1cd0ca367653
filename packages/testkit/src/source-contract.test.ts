import { describe } from 'vitest';
import { PruningEnvironment, typeCases } from './pruning-environment.fake.ts';
import { describeConfirm } from './source-contract-confirm.ts';
import { describeFailures } from './source-contract-failures.ts';
import { describeSourceSchema } from './source-contract-schema.ts';
import { describeValues } from './source-contract-values.ts';
import type { SourceDriver } from './source-driver.ts';

const memory: SourceDriver<PruningEnvironment> = {
  name: 'memory',
  start: async () => new PruningEnvironment(),
  typeCases,
  discontinuities: [
    {
      name: 'what follows was deleted',
      when: 'stopped',
      code: 'WEIR_PG_SLOT_ADVANCED',
      cause: async (environment) => {
        await environment.apply([{ op: 'insert', id: 1000, label: 'lost' }]);
        environment.log.forget(environment.log.head);
      },
    },
  ],
  omitsUnchanged: false,
  prunes: true,
};

// A source in memory passes, so the contract asks for nothing impossible. What is about bytes and backlogs is left to
// real ones: a database in memory holds them all anyway.
describe('source contract: memory', () => {
  describeValues(memory);
  describeSourceSchema(memory);
  describeConfirm(memory);
  describeFailures(memory);
});
