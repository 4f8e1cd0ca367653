import { BatchWriter, Op, unchanged } from '@weir/sdk';
import { expect, test } from 'vitest';
import { Session } from './testing/session.ts';
import { capturedLog } from './testing/captured-log.ts';
import { gtidText } from './testing/recording-host.ts';
import { hex, intText } from './testing/tables.ts';

const item = (id: number, name: string | null | typeof unchanged, mood: string | null | typeof unchanged): unknown[] => [intText(id), name, mood];
const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
/** Values of the ENUM as a test reads them. */
const ok = '\u0001';
const bad = '\u0002';

test('a log of MariaDB has the rows of its statements', async () => {
  const session = new Session({ opened: false, writer: new BatchWriter() });
  const { host, xa } = session;
  session.decode(session.log.rotate('binlog.000001', 4, { artificial: true }));
  await session.feed(...capturedLog.map((event) => hex(event)));

  expect(host.formats).toMatchObject([{ flavour: 'mariadb', serverVersion: '10.11.19-MariaDB-0+deb12u1-log', checksums: true }]);
  expect(host.previous).toEqual(['']);
  expect(host.statements.map(({ kind, text, alter, inTransaction }) => [kind, text.slice(0, 21), alter, inTransaction])).toEqual([
    ['definition', 'create database shop', null, false],
    ['definition', 'create table item (id', null, false],
    ['savepoint', 'SAVEPOINT `a`', null, true],
    ['definition', 'alter table item add ', 'start', false],
    ['definition', 'alter table item add ', 'commit', false],
    ['definition', 'CREATE TABLE `copied`', null, true],
  ]);
  expect(host.maps.map(({ name, columns }) => [name, columns.map((column) => column.name)])).toEqual([
    ['item', ['id', 'name', 'mood']],
    // In the replay, and behind it.
    ['item', ['id', 'name', 'mood']],
    ['item', ['id', 'name', 'mood']],
    ['copied', ['id']],
  ]);
  expect(host.maps[0]).toMatchObject({ primaryKey: [{ column: 0, prefix: 0 }], columns: [{}, { collation: 45 }, { values: [hex('6f6b'), hex('626164')] }] });
  expect(xa.heard).toEqual(["start X'67',X'62',1", "prepare X'67',X'62',1", "commit X'67',X'62',1", "start X'68',X'',1", "prepare X'68',X'',1", "rollback X'68',X'',1"]);
  expect(host.ends.map(({ kind, gtid, rows }) => `${gtidText(gtid)} ${kind} ${rows}`)).toEqual([
    '0-7-1 statement 0',
    '0-7-2 statement 0',
    '0-7-3 commit 2',
    '0-7-4 commit 1',
    '0-7-5 commit 1',
    '0-7-6 commit 2',
    '0-7-8 commit 1',
    '0-7-11 commit 1',
    '0-7-12 statement 0',
    '0-7-13 statement 0',
    '0-7-14 commit 1',
  ]);
  expect(host.rotations.at(-1)).toEqual({ file: 'binlog.000002', offset: 4 });
  expect(session.rows().map(({ op, before, after }) => ({ op, before, after }))).toEqual([
    { op: Op.insert, before: null, after: item(1, utf8('één'), ok) },
    { op: Op.insert, before: null, after: item(2, null, null) },
    { op: Op.update, before: item(1, utf8('één'), ok), after: item(1, utf8('één'), bad) },
    { op: Op.update, before: item(2, unchanged, unchanged), after: item(2, 'two', unchanged) },
    { op: Op.delete, before: item(2, 'two', null), after: null },
    { op: Op.insert, before: null, after: item(3, 'three', ok) },
    { op: Op.insert, before: null, after: item(4, 'xa', null) },
    { op: Op.insert, before: null, after: item(6, 'c'.repeat(40), null) },
    { op: Op.insert, before: null, after: [intText(1)] },
  ]);
});
