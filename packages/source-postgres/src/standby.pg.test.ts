import { chown, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgres, temporaryPostgres } from '@weir/services';
import { Reading, failure } from '@weir/testkit';
import { expect, test } from 'vitest';
import { copiedCheckpoint } from './testing/open-source.ts';
import { TestDatabase, databaseUrl } from './testing/test-database.ts';

const { signal } = new AbortController();

test('a standby is refused by check and start, and taken once it is the primary again', { timeout: 120_000 }, async () => {
  await using server = await temporaryPostgres();
  const database = await TestDatabase.create(server.url);
  await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
  const from = await copiedCheckpoint(database.source());
  const signalFile = join(String(await database.value('SHOW data_directory')), 'standby.signal');
  const { uid, gid } = await stat(server.directory);
  await server.stop();
  await writeFile(signalFile, '');
  await chown(signalFile, uid, gid);

  {
    await using standby = await EmbeddedPostgres.start({ directory: server.directory });
    const url = databaseUrl(standby.url, database.name);
    const errors = (await database.source({}, url).check(signal)).filter(({ level }) => level === 'error');
    expect(errors[0]).toMatchObject({ code: 'WEIR_PG_STANDBY', path: 'url', fix: expect.stringContaining('primary') as string });
    expect((await failure(database.source({}, url).open(from, signal))).code).toBe('WEIR_PG_STANDBY');
    expect((await failure(database.source({ target_session_attrs: 'primary' }, url).open(from, signal))).code).toBe('WEIR_PG_NO_TARGET');
  }

  await rm(signalFile);
  await using primary = await EmbeddedPostgres.start({ directory: server.directory });
  const url = databaseUrl(primary.url, database.name);
  await using reading = await Reading.open(database.source({}, url), from);
  await reading.untilHead();
});
