// Only with the newest server: each of the two ways has its contract with the oldest, too.
import { sourceContract } from '@weir/testkit';
import { describe } from 'vitest';
import { postgresDriver } from '../testing/postgres-driver.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

// From one byte on it is behind, and at the end of the log it has caught up: the two ways take turns all the time.
describe('past the WAL sender and by it in turn', () => {
  sourceContract(postgresDriver(server, { catch_up_at: 1 }));
});
