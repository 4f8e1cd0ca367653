// Only with the oldest and the newest server: it takes long, and streaming has its contract with every one.
import { sourceContract } from '@weir/testkit';
import { describe } from 'vitest';
import { postgresDriver } from '../testing/postgres-driver.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

describe('always past the WAL sender', () => {
  sourceContract(postgresDriver(server, { catch_up_at: 0 }));
});
