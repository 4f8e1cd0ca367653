import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';

/** A server for the tests of one file. */
export interface TestServer {
  /** Of a superuser; known once the tests run. */
  readonly url: string;
  /** The major version, such as 16; known once the tests run. */
  readonly version: number;
  /** Names of the extensions that can be installed; known once the tests run. */
  readonly extensions: readonly string[];
}

/** A server flushes asynchronous commits this often, so that no test waits long for one. */
const SETTINGS = { wal_writer_delay: '10ms', max_connections: '200', max_replication_slots: '50', max_wal_senders: '50' };

/**
 * Starts a server for the tests of this file and removes it after them. `WEIR_TEST_POSTGRES_URL` names one that runs, else
 * `WEIR_TEST_POSTGRES_VERSION` says which major version starts.
 * @param other a server that somebody else starts and ends, in hooks before these
 */
export function useTestServer(other?: Pick<TestServer, 'url'>): TestServer {
  let temporary: TemporaryPostgres | null = null;
  const server = { url: process.env['WEIR_TEST_POSTGRES_URL'] ?? '', version: 0, extensions: [] as string[] };
  beforeAll(async () => {
    if (other !== undefined) server.url = other.url;
    else if (server.url === '') {
      temporary = await temporaryPostgres(SETTINGS);
      server.url = temporary.url;
    }
    Object.assign(server, await describeServer(server.url));
  });
  afterAll(async () => {
    await temporary?.[Symbol.asyncDispose]();
  });
  return server;
}

async function describeServer(url: string): Promise<{ version: number; extensions: string[] }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ version: number; extensions: string[] }>(
      `SELECT current_setting('server_version_num')::int / 10000 AS version,
              (SELECT coalesce(json_agg(name), '[]') FROM pg_available_extensions) AS extensions`,
    );
    return rows[0]!;
  } finally {
    await client.end();
  }
}
