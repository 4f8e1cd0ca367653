import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { SeededRandom } from '@weir/cli';

const ACCOUNTS = 1000;
const OPENING_BALANCE = 1000;
/** Money in all accounts together; every transaction keeps it. */
export const TOTAL: number = ACCOUNTS * OPENING_BALANCE;
/** Rows of a large transaction: more than one batch holds. */
const BULK = 12_000;
/** The load rests while the runner is so many bytes of the log behind: on a busy machine it would never catch up. */
const MOST_BEHIND = 64 * 2 ** 20;

/** The tables, and the columns that stay; the notes have others that come and go. */
export const tables: Readonly<Record<string, readonly string[]>> = {
  accounts: ['id', 'balance', 'moves'],
  transfers: ['id', 'debit', 'credit', 'amount', 'memo'],
  notes: ['account', 'line', 'body'],
  bulk: ['id', 'kind'],
};

/**
 * What every state of the bank has in common, in the SQL of PostgreSQL and of DuckDB: the money, how many accounts, and that
 * the accounts are what the transfers made of them: each moves two accounts once, and moves their weighted sum.
 */
export function soundness(schema: string): string {
  return `SELECT CAST(sum(balance) AS varchar) AS total, CAST(count(*) AS varchar) AS accounts,
      CAST(sum(moves) - 2 * (SELECT count(*) FROM ${schema}.transfers) AS varchar) AS moves,
      CAST(sum(id * balance) - ${OPENING_BALANCE} * sum(id)
        - coalesce((SELECT sum(amount * (credit - debit)) FROM ${schema}.transfers), 0) AS varchar) AS weight
    FROM ${schema}.accounts`;
}

/** What `soundness` answers at any commit. */
export const SOUND: Readonly<Record<string, string>> = { total: `${TOTAL}`, accounts: `${ACCOUNTS}`, moves: '0', weight: '0' };

export async function createBank(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`
    CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, moves bigint NOT NULL DEFAULT 0);
    CREATE TABLE transfers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, debit int, credit int, amount bigint, memo text);
    CREATE TABLE notes (account int, line int, body text, PRIMARY KEY (account, line));
    ALTER TABLE notes ALTER body SET STORAGE EXTERNAL;
    CREATE TABLE bulk (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind int);
    INSERT INTO accounts SELECT g, ${OPENING_BALANCE} FROM generate_series(1, ${ACCOUNTS}) g;
    INSERT INTO notes SELECT g, 1, repeat(md5(g::text), 100) FROM generate_series(1, ${ACCOUNTS}) g;
    INSERT INTO bulk (kind) SELECT g % 7 FROM generate_series(1, 30000) g;`);
  await client.end();
}

/**
 * Customers who never rest: small transfers, some of them rolled back, some committed asynchronously. A clerk edits notes,
 * moves their keys and writes large transactions; an architect adds and drops columns. While the server is away they wait.
 */
export class BankLoad {
  readonly #url: () => string;
  readonly #random: SeededRandom;
  readonly #stopping = new AbortController();
  #running: Promise<void>[] = [];
  transactions = 0;
  #shapes = 0;
  #rests = false;

  /** @param url where the server is now */
  constructor(url: () => string, random: SeededRandom) {
    this.#url = url;
    this.#random = random;
  }

  start(): void {
    const customer = async (client: pg.Client): Promise<void> => await this.#work(async () => await this.#transfer(client));
    this.#running = [
      this.#forever(500, async (client) => await this.#lookBehind(client)),
      this.#forever(8, customer),
      this.#forever(8, customer),
      this.#forever(120, async (client) => await this.#work(async () => await this.#clerk(client))),
      this.#forever(3000, async (client) => await this.#work(async () => await this.#architect(client))),
    ];
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #work(act: () => Promise<void>): Promise<void> {
    if (this.#rests) return;
    await act();
    this.transactions++;
  }

  async #lookBehind(client: pg.Client): Promise<void> {
    const behind = `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), confirmed_flush_lsn)::float8 AS bytes
      FROM pg_replication_slots WHERE slot_name LIKE 'weir%'`;
    const { rows } = await client.query<{ bytes: number | null }>(behind);
    this.#rests = rows.some(({ bytes }) => bytes !== null && bytes > MOST_BEHIND);
  }

  async #transfer(client: pg.Client): Promise<void> {
    const debit = this.#account();
    const credit = (debit % ACCOUNTS) + 1 + Math.floor(this.#random.next() * (ACCOUNTS - 1));
    const to = credit > ACCOUNTS ? credit - ACCOUNTS : credit;
    const amount = this.#random.int(0, 50);
    const [low, high] = debit < to ? [debit, to] : [to, debit];
    await client.query(`BEGIN${this.#random.next() < 0.2 ? '; SET LOCAL synchronous_commit = off' : ''}`);
    await client.query('SELECT 1 FROM accounts WHERE id IN ($1, $2) ORDER BY id FOR UPDATE', [low, high]);
    const move = 'UPDATE accounts SET balance = balance + $2, moves = moves + 1 WHERE id = $1';
    await client.query(move, [debit, -amount]);
    await client.query(move, [to, amount]);
    await client.query('INSERT INTO transfers (debit, credit, amount, memo) VALUES ($1, $2, $3, $4)', [debit, to, amount, 'žluť\t\\N']);
    await client.query(this.#random.next() < 0.1 ? 'ROLLBACK' : 'COMMIT');
  }

  async #clerk(client: pg.Client): Promise<void> {
    const account = this.#account();
    switch (this.#random.int(0, 9)) {
      case 0:
        return void (await client.query(`INSERT INTO bulk (kind) SELECT ${account} FROM generate_series(1, ${BULK})`));
      case 1:
        return void (await client.query('DELETE FROM bulk WHERE id % 3 = $1', [account % 3]));
      case 2:
        return void (await client.query('DELETE FROM notes WHERE account = $1', [account]));
      case 3:
      case 4:
        return void (await client.query('UPDATE notes SET line = line + 1 WHERE account = $1', [account]));
      case 5:
        return void (await client.query("INSERT INTO notes VALUES ($1, 0, 'new') ON CONFLICT DO NOTHING", [account]));
      default:
        return void (await client.query("UPDATE notes SET body = body || '!' WHERE account = $1", [account]));
    }
  }

  /** A column comes, and the one before the last goes. */
  async #architect(client: pg.Client): Promise<void> {
    const shape = this.#shapes++;
    await client.query(`ALTER TABLE notes ADD COLUMN IF NOT EXISTS mood${shape} varchar(10) DEFAULT 'fine ${shape}'`);
    await client.query(`UPDATE notes SET mood${shape} = 'changed' WHERE account % 9 = ${this.#account() % 9}`);
    if (shape >= 2) await client.query(`ALTER TABLE notes DROP COLUMN IF EXISTS mood${shape - 2}`);
  }

  async #forever(pauseMs: number, act: (client: pg.Client) => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const client = new pg.Client({ connectionString: this.#url(), connectionTimeoutMillis: 5000 });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!signal.aborted) {
          await act(client);
          await sleep(pauseMs, undefined, { signal });
        }
      } catch {
        // The server went away; what was open is rolled back there, or committed: the tables know.
        await sleep(50);
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  #account(): number {
    return this.#random.int(1, ACCOUNTS);
  }
}
