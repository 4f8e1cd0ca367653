import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { afterAll, beforeAll } from 'vitest';

/** A server for the tests of one file. */
export interface TestServer {
  /** Of a superuser; known once the tests run. */
  readonly url: string;
}

/** A server flushes asynchronous commits this often, so that no test waits long for one. */
const SETTINGS = { wal_writer_delay: '10ms', max_connections: '200', max_replication_slots: '50', max_wal_senders: '50' };

/** Starts a server for the tests of this file and removes it after them; `WEIR_TEST_POSTGRES_URL` names one that runs. */
export function useTestServer(): TestServer {
  let temporary: TemporaryPostgres | null = null;
  const server = { url: process.env['WEIR_TEST_POSTGRES_URL'] ?? '' };
  beforeAll(async () => {
    if (server.url !== '') return;
    temporary = await temporaryPostgres(SETTINGS);
    server.url = temporary.url;
  });
  afterAll(async () => {
    await temporary?.[Symbol.asyncDispose]();
  });
  return server;
}
