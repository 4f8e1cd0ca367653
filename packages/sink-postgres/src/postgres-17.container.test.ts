import { sinkContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { postgresDriver } from './testing/postgres-driver.ts';

const postgres = service('postgres', { version: 17 });

await describeWithServices('PostgreSQL 17 in a container', [postgres], () => sinkContract(postgresDriver(postgres)));
