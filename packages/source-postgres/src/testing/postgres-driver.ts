import type { SourceDriver } from '@weir/testkit';
import { discontinuities } from './discontinuities.ts';
import { PostgresEnvironment } from './postgres-environment.ts';
import type { TestServer } from './test-server.ts';
import { typeCases } from './type-cases.ts';

export function postgresDriver(server: TestServer): SourceDriver<PostgresEnvironment> {
  return {
    name: 'PostgreSQL',
    start: async () => await PostgresEnvironment.start(server),
    typeCases,
    discontinuities,
    omitsUnchanged: true,
    prunes: true,
  };
}
