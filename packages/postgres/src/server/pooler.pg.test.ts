import { createConnection } from 'node:net';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { Secret } from '@weir/sdk';
import { failure } from '@weir/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../connection/connect.ts';
import { between, refusePooler } from './pooler.ts';
import { PgBouncer, hasPgBouncer } from '../testing/pgbouncer.ts';
import { tcpServer, type TcpServer } from '../testing/tcp-server.ts';

const { signal } = new AbortController();

let server: TemporaryPostgres;

beforeAll(async () => {
  server = await temporaryPostgres({ fsync: 'off' });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const password = (): string => decodeURIComponent(new URL(server.url).password);
const config = (port: number): { url: Secret } => ({ url: new Secret(`postgres://postgres:${password()}@127.0.0.1:${port}/postgres`) });

async function found(port: number): ReturnType<typeof between> {
  const client = await connect(config(port), signal);
  try {
    return await between(client, config(port), signal);
  } finally {
    await client.end();
  }
}

/** Passes everything on, but hands out a cancel key of its own, as the proxies of some hosters do. */
async function proxy(): Promise<TcpServer> {
  return await tcpServer((client) => {
    const behind = createConnection(server.port, '127.0.0.1');
    behind.on('error', () => {});
    client.pipe(behind);
    let keyed = false;
    behind.on('data', (bytes: Buffer) => {
      const key = keyed ? -1 : bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 0x0c]));
      if (key >= 0) bytes.writeInt32BE(1, key + 5);
      keyed ||= key >= 0;
      client.write(bytes);
    });
    behind.on('end', () => client.end());
  });
}

test('the server itself is no pooler', async () => {
  expect(await found(server.port)).toBeNull();
});

describe.skipIf(!hasPgBouncer() && process.env['CI'] !== 'true')('PgBouncer (apt-get install pgbouncer)', () => {
  test.each(['session', 'transaction'] as const)('that pools by %s is recognised, and the direct address asked for', async (mode) => {
    await using bouncer = await PgBouncer.start({ port: server.port, user: 'postgres', password: password() }, mode);
    expect(await found(bouncer.port)).toMatchObject({
      kind: 'pooler',
      message: `at 127.0.0.1:${bouncer.port} is a connection pooler, not the server: PgBouncer`,
      fix: expect.stringContaining('direct address') as string,
    });
    const client = await connect(config(bouncer.port), signal);
    const error = await failure(refusePooler(client, config(bouncer.port), signal));
    await client.end();
    expect(error).toMatchObject({ code: 'WEIR_PG_POOLER', path: 'url', policy: { policy: 'stop-at-start' } });
  });
});

test('a proxy that passes sessions on, replication as well, is mentioned and not refused', async () => {
  await using passing = await proxy();
  expect(await found(passing.port)).toMatchObject({ kind: 'proxy' });
  const client = await connect(config(passing.port), signal);
  await refusePooler(client, config(passing.port), signal);
  await client.end();
});
