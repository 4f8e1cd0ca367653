import { connect, query, type MysqlClient } from '@weir/mysql';
import { seededRandom, testSeed } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { expect, it } from 'vitest';
import { CopySession } from '../testing/copy-session.ts';
import { TestServer } from '../testing/test-server.ts';

const { signal } = new AbortController();
const servers = [
  { server: service('mysql'), flavour: 'mysql' },
  { server: service('mariadb'), flavour: 'mariadb' },
  { server: service('mariadb', { version: '10.11' }), flavour: 'mariadb' },
] as const;

const ACCOUNTS = 600;
const WRITES = 150;

const tables = [
  'CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, note varchar(40))',
  'CREATE TABLE names (name varchar(20) PRIMARY KEY, n int NOT NULL)',
  'CREATE TABLE pairs (a smallint, b varbinary(4), n int NOT NULL, PRIMARY KEY (a, b))',
];

async function fill(at: TestServer): Promise<void> {
  const all = (row: (n: number) => string): string => Array.from({ length: ACCOUNTS }, (_, n) => row(n)).join(',');
  await at.sql(
    `INSERT INTO accounts VALUES ${all((n) => `(${n * 2}, 1000, REPEAT('x', ${n % 40}))`)}`,
    `INSERT INTO accounts SELECT id + 1, 0, NULL FROM accounts WHERE id % 4 = 0`,
    `INSERT INTO names VALUES ${all((n) => `('${n % 2 === 0 ? 'n' : 'N'}${n}', ${n})`)}`,
    `INSERT INTO pairs VALUES ${all((n) => `(${n % 20}, x'${n.toString(16).padStart(4, '0')}', ${n})`)}`,
  );
}

/** One transaction of a writer: transfers between accounts of even numbers, moved keys, texts whose case changes, rows that come and go. */
function transaction(random: () => number, unique: number): string[] {
  const pick = (below: number): number => Math.floor(random() * below);
  const account = (): number => pick(ACCOUNTS) * 2;
  const [from, to, amount] = [account(), account(), pick(50)];
  const name = `N${pick(ACCOUNTS)}`;
  const kinds: readonly (() => string[])[] = [
    () => [`UPDATE accounts SET balance = balance - ${amount} WHERE id = ${from}`, `UPDATE accounts SET balance = balance + ${amount} WHERE id = ${to}`],
    () => [`UPDATE IGNORE accounts SET id = ${to + 1} WHERE id = ${from + 1}`],
    () => [`INSERT IGNORE INTO accounts VALUES (${from + 1}, 0, 'new')`],
    () => [`DELETE FROM accounts WHERE id = ${from + 1}`],
    () => [`UPDATE names SET name = ${random() < 0.5 ? 'UPPER' : 'LOWER'}(name), n = n + 1 WHERE name = '${name}'`],
    () => [`DELETE FROM names WHERE name = '${name}'`],
    () => [`INSERT IGNORE INTO names VALUES ('${name.toLowerCase()}', ${unique})`],
    () => [`UPDATE pairs SET n = n + 1 WHERE a = ${pick(20)}`],
    () => [`UPDATE IGNORE pairs SET a = ${pick(20)} WHERE a = ${pick(20)} LIMIT 3`],
    () => [`DELETE FROM pairs WHERE a = ${pick(20)} LIMIT 1`],
  ];
  return kinds[pick(kinds.length)]!();
}

async function write(client: MysqlClient, random: () => number, writer: number): Promise<void> {
  for (let turn = 0; turn < WRITES; turn++) {
    try {
      await query(client, 'BEGIN');
      for (const sql of transaction(random, writer * WRITES + turn)) await query(client, sql);
      await query(client, random() < 0.1 ? 'ROLLBACK' : 'COMMIT');
    } catch {
      // A deadlock with another writer.
      await query(client, 'ROLLBACK');
    }
  }
}

for (const { server, flavour } of servers) {
  const copies = flavour === 'mysql' ? [false, true] : [false];
  await describeWithServices(`a copy of ${server.title}`, [server], () => {
    it.each(copies)('has every row while others write, and money is never made (locking: %s)', async (isLocking) => {
      await using at = await TestServer.with(server, ...tables);
      await fill(at);
      const random = seededRandom(testSeed);
      const clients = await Promise.all([0, 1, 2].map(async () => await connect(at.config, signal)));
      await using session = await CopySession.open(at.config, flavour, at.name, 37, isLocking);
      let isWritten = false;
      let checked = 0;
      let marked = '';
      const accounts = session.mirrors.get('accounts')!;
      session.onBoundary = () => {
        if (session.states.get('accounts') !== null) return;
        let sum = 0;
        for (const row of accounts.rows.values()) sum += Number(row.split('|')[1]);
        checked++;
        expect(sum).toBe(ACCOUNTS * 1000);
      };
      const writing = (async () => {
        await Promise.all(clients.map(async (client, writer) => await write(client, random, writer)));
        await at.sql("INSERT INTO accounts VALUES (99999999, 0, 'end')");
        marked = '["99999999"]';
        isWritten = true;
      })();
      await Promise.all([writing, session.run(() => isWritten && accounts.rows.has(marked))]);
      for (const [name, mirror] of session.mirrors) {
        const columns = mirror.table.columns.map(({ name: column, type }) => (type.kind === 'bytes' ? `LOWER(HEX(${column}))` : `IFNULL(${column}, '')`)).join(", '|', ");
        const rows = await at.sql(`SELECT CAST(CONCAT(${columns}) AS BINARY) FROM ${name}`);
        expect([...mirror.rows.values()].toSorted(), name).toEqual(rows.map(([row]) => row!).toSorted());
      }
      expect(checked).toBeGreaterThan(0);
      await Promise.all(clients.map(async (client) => await client.close()));
    });
  });
}
