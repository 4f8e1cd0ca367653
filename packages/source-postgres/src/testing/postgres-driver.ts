import type { SourceDriver } from '@weir/testkit';
import type { PostgresOptions } from '../postgres.ts';
import { discontinuities } from './discontinuities.ts';
import { PostgresEnvironment } from './postgres-environment.ts';
import type { TestServer } from './test-server.ts';
import { typeCasesOf } from './type-cases.ts';

/** A source that is always past the WAL sender lets 96 MiB of a piece wait, beside what others hold. */
const CATCHING_UP_BYTES = 128 << 20;

/** @param options of the source, beside what the contract gives it */
export function postgresDriver(server: TestServer, options: Partial<PostgresOptions> = {}): SourceDriver<PostgresEnvironment> {
  return {
    name: 'PostgreSQL',
    start: async () => await PostgresEnvironment.start(server, options),
    get typeCases() {
      return typeCasesOf(server);
    },
    discontinuities,
    omitsUnchanged: true,
    prunes: true,
    ...(options.catch_up_at === 0 && { heldBytes: CATCHING_UP_BYTES }),
  };
}
