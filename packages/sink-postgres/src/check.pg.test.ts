import { poolingRelay } from '@weir/testkit';
import { describe, expect, it } from 'vitest';
import { TestDatabase, makeSink } from './testing/test-database.ts';
import { useTestServer } from './testing/test-server.ts';

// The defaults of a server, fsync above all.
const server = useTestServer({});
const signal = new AbortController().signal;

async function findings(url: string) {
  return (await makeSink(url).check(signal)).map(({ code, level }) => [code, level]);
}

describe('check', () => {
  it('finds nothing wrong with a server that a superuser writes to', async () => {
    await using database = await TestDatabase.create(server.url);
    expect(await findings(database.url)).toEqual([
      ['WEIR_PG_VERSION', 'ok'],
      ['WEIR_PG_STANDBY', 'ok'],
      ['WEIR_PG_READ_ONLY', 'ok'],
      ['WEIR_PG_GRANT_WRITE', 'ok'],
      ['PG_DURABILITY', 'ok'],
      ['PG_TLS', 'ok'],
      ['PG_TRIGGERS', 'ok'],
    ]);
    expect(await database.sql("SELECT to_regnamespace('weir')")).toEqual([[null]]);
  });

  it('says what a role lacks, with the statement that gives it', async () => {
    await using database = await TestDatabase.create(server.url);
    const role = await database.role();
    await database.sql(`ALTER ROLE ${role.name} SET default_transaction_read_only = on`);
    const results = await makeSink(role.url).check(signal);
    expect(results.filter(({ level }) => level === 'error')).toEqual([
      {
        code: 'WEIR_PG_READ_ONLY',
        level: 'error',
        message: `transactions of role ${role.name} are read-only by default`,
        fix: `ALTER ROLE "${role.name}" SET default_transaction_read_only = off;`,
        path: 'url',
      },
      {
        code: 'WEIR_PG_GRANT_WRITE',
        level: 'error',
        message: `role ${role.name} may not make schemas in database ${database.name}`,
        fix: `GRANT CREATE ON DATABASE "${database.name}" TO "${role.name}";`,
        path: 'url',
      },
    ]);
    for (const { fix } of results) if (fix !== undefined) await database.sql(fix);
    expect((await findings(role.url)).filter(([, level]) => level === 'error')).toEqual([]);
    expect(results.at(-1)!.message).toMatch(/GRANT SET ON PARAMETER session_replication_role|at work/);
  });

  it('says that commits are raised to durable ones', async () => {
    await using database = await TestDatabase.create(server.url);
    await database.sql(`ALTER DATABASE ${database.name} SET synchronous_commit = off`);
    const results = await makeSink(database.url).check(signal);
    expect(results.find(({ code }) => code === 'PG_DURABILITY')).toMatchObject({
      level: 'ok',
      message: 'commits are durable (synchronous_commit off, raised to on)',
    });
  });

  it('refuses the port of a pooler, as a session does: the fence would be in somebody else’s session (invariant 5)', async () => {
    await using database = await TestDatabase.create(server.url);
    await using pooler = await poolingRelay(database.url);
    const sink = makeSink(pooler.url);
    const errors = (await sink.check(signal)).filter(({ level }) => level === 'error');
    expect(errors).toMatchObject([{ code: 'WEIR_PG_POOLER', path: 'url', fix: expect.stringContaining('direct address') as string }]);
    const shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };
    await expect(sink.open(shard, signal)).rejects.toMatchObject({ code: 'WEIR_PG_POOLER' });
  });

  it('answers what stands against connecting, without the password (invariant 10)', async () => {
    const at = (change: (url: URL) => void): string => {
      const url = new URL(server.url);
      change(url);
      return url.href;
    };
    const cases = [
      [at((url) => (url.password = 'swordfish')), 'WEIR_PG_AUTH'],
      [at((url) => (url.pathname = '/nowhere')), 'WEIR_PG_DATABASE'],
      [at((url) => (url.port = '1')), 'WEIR_PG_CONNECT'],
      [at((url) => (url.search = '?sslmode=prefer')), 'WEIR_CONFIG_INVALID'],
    ] as const;
    for (const [url, code] of cases) {
      const results = await makeSink(url).check(signal);
      expect(results, url).toMatchObject([{ code, level: 'error', path: 'url' }]);
      expect(JSON.stringify(results)).not.toContain('swordfish');
    }
  });
});
