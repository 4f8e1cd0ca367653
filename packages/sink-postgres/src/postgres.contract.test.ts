// Only with the oldest and the newest server: nothing here asks for the version.
import { sinkContract } from '@weir/testkit';
import { postgresDriver } from './testing/postgres-driver.ts';
import { useTestServer } from './testing/test-server.ts';

sinkContract(postgresDriver(useTestServer()));
