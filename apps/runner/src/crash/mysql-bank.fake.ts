import { createConnection } from 'mysql2/promise';
import { ACCOUNTS, BULK, TOTAL, type BankServer } from './bank.ts';

/** Rows of the audit, of 900 bytes and more: a sink commits in the middle of its copy, which can be interrupted there. */
const ENTRIES = 40_000;
const OPENING = 30_000;
/** What takes a session, and nothing that was committed: each waited for the other. */
const DEADLOCK = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT']);

/**
 * Makes the bank in an empty database of MySQL or MariaDB: the tables that it has at PostgreSQL, and clients with a name as their
 * key, which only the server can order. Numbers, which never change, make rows of others.
 */
export async function createMysqlBank(url: string): Promise<void> {
  const session = await mysqlBank.connect(url);
  const numbers = Array.from({ length: 1000 }, (_none, at) => `(${at + 1})`).join(', ');
  // So many rows, each with the number `n`.
  const rows = (count: number): string => `(SELECT (b.n - 1) * 1000 + a.n AS n FROM numbers a JOIN numbers b ON b.n <= ${count / 1000}) g`;
  for (const statement of [
    'CREATE TABLE numbers (n int PRIMARY KEY)',
    `INSERT INTO numbers VALUES ${numbers}`,
    'CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, touched timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))',
    'CREATE TABLE ledger (id bigint AUTO_INCREMENT PRIMARY KEY, debit int, credit int, amount bigint, memo text)',
    'CREATE TABLE notes (account int, line int, body mediumtext, PRIMARY KEY (account, line))',
    'CREATE TABLE clients (name varchar(40) PRIMARY KEY, town varchar(40))',
    'CREATE TABLE audit (entry varchar(100), noted timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), detail text)',
    `INSERT INTO accounts (id, balance) SELECT n, ${TOTAL / ACCOUNTS} FROM ${rows(ACCOUNTS)}`,
    `INSERT INTO ledger (debit, credit, amount, memo) SELECT 1 + n % 1000, 1 + n % 999, 0, 'opening' FROM ${rows(OPENING)}`,
    `INSERT INTO notes SELECT n, 1, REPEAT(SHA2(n, 256), 50) FROM ${rows(ACCOUNTS)}`,
    `INSERT INTO clients SELECT CONCAT('Client ', n), CONCAT('town ', n % 50) FROM ${rows(ACCOUNTS)}`,
    `INSERT INTO audit (entry, detail) SELECT CONCAT('entry ', n % 200), REPEAT('whatever', 110) FROM ${rows(ENTRIES)}`,
  ]) {
    await session.run(statement);
  }
  await session.end();
}

/** MySQL and MariaDB, for `BankLoad`. */
export const mysqlBank: BankServer = {
  async connect(url) {
    const connection = await createConnection(url);
    // Whoever runs the next statement hears of it.
    connection.on('error', () => {});
    return {
      run: async (sql) => (await connection.query(sql))[0],
      end: async () => await connection.end().catch(() => connection.destroy()),
    };
  },
  transfer: (debit, credit, amount) => [
    `SELECT 1 FROM accounts WHERE id IN (${debit}, ${credit}) ORDER BY id FOR UPDATE`,
    `UPDATE accounts SET balance = balance - ${amount}, touched = NOW(6) WHERE id = ${debit}`,
    `UPDATE accounts SET balance = balance + ${amount}, touched = NOW(6) WHERE id = ${credit}`,
    `INSERT INTO ledger (debit, credit, amount, memo) VALUES (${debit}, ${credit}, ${amount}, 'žluť\t\\\\N')`,
  ],
  chore(turn, account) {
    switch (turn % 6) {
      case 0:
        return [`INSERT INTO ledger (amount, memo) SELECT 0, 'bulk' FROM numbers a JOIN numbers b ON b.n <= ${BULK / 1000}`];
      case 1:
        return [`UPDATE notes SET line = line + 1 WHERE account = ${account}`];
      case 2:
        return [`UPDATE notes SET body = CONCAT(body, '!') WHERE account = ${account}`];
      case 3:
        return [`DELETE FROM ledger WHERE memo = 'bulk' AND id % 3 = ${account % 3}`];
      case 4:
        return [
          'BEGIN',
          // The same name under the collation, and another key to whoever compares bytes.
          `UPDATE clients SET name = '${turn % 4 < 2 ? 'CLIENT' : 'client'} ${account}', town = 'moved ${turn}' WHERE name = 'Client ${account}'`,
          `DELETE FROM clients WHERE name = 'client ${ACCOUNTS + 1 - account}'`,
          `REPLACE INTO clients VALUES ('Client ${ACCOUNTS + turn}', 'new')`,
          'COMMIT',
        ];
      default:
        return [
          'BEGIN',
          `DELETE FROM notes WHERE account = ${account}`,
          `INSERT INTO audit (entry) VALUES ('notes of ${account} are gone')`,
          `UPDATE audit SET entry = CONCAT(entry, '+') WHERE entry = 'entry ${account % 200}' LIMIT 3`,
          `DELETE FROM audit WHERE entry = 'entry ${(account * 7) % 200}' LIMIT 2`,
          'COMMIT',
        ];
    }
  },
  // A definition ends the transaction that it stands in, so that each is one of its own.
  blueprint(step, round, account) {
    switch (step) {
      case 0:
        return [`ALTER TABLE notes ADD COLUMN mood${round} varchar(10) DEFAULT 'fine ${round}'`];
      case 1:
        return [
          `UPDATE notes SET mood${round} = 'changed' WHERE account % 7 = ${account % 7}`,
          `ALTER TABLE notes RENAME COLUMN mood${round} TO spirit${round}`,
          `UPDATE notes SET spirit${round} = 'renamed' WHERE account % 9 = ${account % 9}`,
        ];
      case 2:
        return [
          `ALTER TABLE notes MODIFY COLUMN spirit${round} varchar(100)`,
          `UPDATE notes SET spirit${round} = REPEAT('wide ', 9) WHERE account % 11 = ${account % 11}`,
        ];
      case 3:
        return [
          `CREATE TABLE branch_${round} (id int PRIMARY KEY, city text)`,
          `INSERT INTO branch_${round} SELECT n, CONCAT('city ', n) FROM numbers WHERE n <= 50`,
          ...(round >= 3 ? [`DROP TABLE IF EXISTS branch_${round - 3}`] : []),
        ];
      default:
        return [
          ...(round >= 1 ? [`ALTER TABLE notes DROP COLUMN spirit${round - 1}`] : []),
          `INSERT IGNORE INTO notes (account, line, body) SELECT ${ACCOUNTS + 1 + round}, n, 'after round ${round}' FROM numbers WHERE n <= 20`,
          `UPDATE branch_${round} SET city = CONCAT(city, '!') WHERE id % 5 = ${account % 5}`,
        ];
    }
  },
  bytesBehind: async () => await Promise.resolve(0),
  isPassing(error) {
    const { code = '', fatal = false } = error as { code?: string; fatal?: boolean };
    return fatal || DEADLOCK.has(code);
  },
};
