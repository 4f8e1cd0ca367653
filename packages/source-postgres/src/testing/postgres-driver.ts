import type { SourceDriver } from '@weir/testkit';
import { discontinuities } from './discontinuities.ts';
import { PostgresEnvironment } from './postgres-environment.ts';
import type { TestServer } from './test-server.ts';
import { typeCasesOf } from './type-cases.ts';

export function postgresDriver(server: TestServer): SourceDriver<PostgresEnvironment> {
  return {
    name: 'PostgreSQL',
    start: async () => await PostgresEnvironment.start(server),
    get typeCases() {
      return typeCasesOf(server);
    },
    discontinuities,
    omitsUnchanged: true,
    prunes: true,
  };
}
