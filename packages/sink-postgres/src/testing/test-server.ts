import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { afterAll, beforeAll } from 'vitest';

/** A server for the tests of one file. */
export interface TestServer {
  /** Of a superuser; known once the tests run. */
  readonly url: string;
}

/** Only clients are killed in these tests, never the server: nothing needs to reach the disk. */
const SETTINGS = { fsync: 'off', max_connections: '200' };

/** Starts a server for the tests of this file and removes it after them; `WEIR_TEST_POSTGRES_URL` names one that runs. */
export function useTestServer(settings: Readonly<Record<string, string>> = SETTINGS): TestServer {
  let temporary: TemporaryPostgres | null = null;
  const server = { url: process.env['WEIR_TEST_POSTGRES_URL'] ?? '' };
  beforeAll(async () => {
    if (server.url !== '') return;
    temporary = await temporaryPostgres(settings);
    server.url = temporary.url;
  });
  afterAll(async () => {
    await temporary?.[Symbol.asyncDispose]();
  });
  return server;
}
