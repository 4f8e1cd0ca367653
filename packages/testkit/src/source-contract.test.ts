import { PruningEnvironment, typeCases } from './pruning-environment.fake.ts';
import { sourceContract } from './source-contract.ts';
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
  inProcess: true,
};

// A source in memory passes, so the contract asks for nothing impossible.
sourceContract(memory);
