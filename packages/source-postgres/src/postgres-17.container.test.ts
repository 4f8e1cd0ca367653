import { sourceContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { postgresDriver } from './testing/postgres-driver.ts';
import { useTestServer } from './testing/test-server.ts';

const postgres = service('postgres', { version: 17 });

await describeWithServices('PostgreSQL 17 in a container', [postgres], () => sourceContract(postgresDriver(useTestServer(postgres))));
