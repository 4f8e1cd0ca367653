import { sinkContract } from '@weir/testkit';
import { postgresDriver } from './testing/postgres-driver.ts';
import { useTestServer } from './testing/test-server.ts';

sinkContract(postgresDriver(useTestServer()));
