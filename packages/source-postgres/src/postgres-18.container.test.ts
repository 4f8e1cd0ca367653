import { sourceContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { postgresDriver } from './testing/postgres-driver.ts';
import { useTestServer } from './testing/test-server.ts';

const postgres = service('postgres', { version: 18 });

await describeWithServices('PostgreSQL 18 in a container', [postgres], () => sourceContract(postgresDriver(useTestServer(postgres))));
