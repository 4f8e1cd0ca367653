// Only with the oldest and the newest server, as the contract of catching up.
import { sourceContract } from '@weir/testkit';
import { describe } from 'vitest';
import { postgresDriver } from '../testing/postgres-driver.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

// From one byte on it is behind, and at the end of the log it has caught up: the two ways take turns all the time.
describe('past the WAL sender and by it in turn', () => {
  sourceContract(postgresDriver(server, { catch_up_at: 1 }));
});
