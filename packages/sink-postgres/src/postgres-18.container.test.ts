import { sinkContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { postgresDriver } from './testing/postgres-driver.ts';

const postgres = service('postgres', { version: 18 });

await describeWithServices('PostgreSQL 18 in a container', [postgres], () => sinkContract(postgresDriver(postgres)));
