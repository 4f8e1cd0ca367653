import pg from 'pg';

/** Money in all accounts together; every transaction keeps it. */
export const TOTAL = 1_000_000;
export const ACCOUNTS = 1000;
/** Rows of a large transaction: more than two batches. */
export const BULK = 20_000;
/** Customers rest while a pipeline is so many bytes of the log behind: on a busy machine it would never catch up. */
const MOST_BEHIND = 32 * 2 ** 20;
/** Before a session that was lost is begun anew, in ms. */
const RECONNECT_MS = 100;

/** A connection of somebody who works at the bank. */
export interface BankSession {
  run(sql: string): Promise<unknown>;
  end(): Promise<void>;
}

/** What is done at the bank, in the SQL of its server: lists of statements, to be run one after the other. */
export interface BankServer {
  connect(url: string): Promise<BankSession>;
  /** Within a transaction. */
  transfer(debit: number, credit: number, amount: number): string[];
  /** What a clerk does; large transactions are among it by turns. */
  chore(turn: number, account: number): string[];
  /** One of five steps of a round: a column comes, is used, gets another name and type, and goes. @param chance from 0 to 1 */
  blueprint(step: number, round: number, account: number, chance: number): string[];
  /** How much of the log the pipelines have still to read, in bytes; 0 where the server does not know. */
  bytesBehind(session: BankSession): Promise<number>;
  /** Whether a failure takes nothing but the session, and what it had not committed. */
  isPassing(error: unknown): boolean;
}

/**
 * Makes the bank: accounts, a ledger of transfers, notes whose text is large enough to be left out of the log, and an audit
 * without a key, which is copied in one snapshot.
 */
export async function createBank(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`
    CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, touched timestamptz NOT NULL DEFAULT now());
    CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, debit int, credit int, amount bigint, memo text);
    CREATE TABLE notes (account int, line int, body text, PRIMARY KEY (account, line));
    ALTER TABLE notes ALTER body SET STORAGE EXTERNAL;
    CREATE TABLE audit (entry text, at timestamptz NOT NULL DEFAULT now());
    ALTER TABLE audit REPLICA IDENTITY FULL;
    INSERT INTO audit SELECT 'entry ' || g % 200 FROM generate_series(1, 500) g;
    INSERT INTO accounts SELECT g, ${TOTAL / ACCOUNTS} FROM generate_series(1, ${ACCOUNTS}) g;
    INSERT INTO ledger (debit, credit, amount, memo) SELECT 1 + g % 1000, 1 + g % 999, 0, 'opening' FROM generate_series(1, 30000) g;
    INSERT INTO notes SELECT g, 1, repeat(md5(g::text), 100) FROM generate_series(1, ${ACCOUNTS}) g;`);
  await client.end();
}

const postgres: BankServer = {
  async connect(url) {
    const client = new pg.Client(url);
    await client.connect();
    return { run: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows, end: async () => await client.end() };
  },
  transfer: (debit, credit, amount) => [
    `SELECT 1 FROM accounts WHERE id IN (${debit}, ${credit}) ORDER BY id FOR UPDATE`,
    `UPDATE accounts SET balance = balance - ${amount}, touched = now() WHERE id = ${debit}`,
    `UPDATE accounts SET balance = balance + ${amount}, touched = now() WHERE id = ${credit}`,
    `INSERT INTO ledger (debit, credit, amount, memo) VALUES (${debit}, ${credit}, ${amount}, 'žluť\t\\N')`,
  ],
  chore(turn, account) {
    switch (turn % 5) {
      case 0:
        return [`INSERT INTO ledger (amount, memo) SELECT 0, 'bulk' FROM generate_series(1, ${BULK})`];
      case 1:
        return [`UPDATE notes SET line = line + 1 WHERE account = ${account}`];
      case 2:
        return [`UPDATE notes SET body = body || '!' WHERE account = ${account}`];
      case 3:
        return [`DELETE FROM ledger WHERE memo = 'bulk' AND id % 3 = ${account % 3}`];
      default:
        return [`DELETE FROM notes WHERE account = ${account}`, `INSERT INTO audit (entry) VALUES ('notes of ${account} are gone')`];
    }
  },
  blueprint(step, round, account, chance) {
    switch (step) {
      case 0:
        return [`ALTER TABLE notes ADD COLUMN mood${round} varchar(10) DEFAULT 'fine ${round}'`];
      case 1:
        return [
          'BEGIN',
          // Or the clerk, who waits for a row, and the ALTER, which waits for the clerk, would wait for each other.
          'LOCK TABLE notes',
          `UPDATE notes SET mood${round} = 'changed' WHERE account % 7 = ${account % 7}`,
          `ALTER TABLE notes RENAME COLUMN mood${round} TO spirit${round}`,
          `UPDATE notes SET spirit${round} = 'renamed' WHERE account % 9 = ${account % 9}`,
          ...(chance < 0.2 ? ['ROLLBACK', `ALTER TABLE notes RENAME COLUMN mood${round} TO spirit${round}`] : ['COMMIT']),
        ];
      case 2:
        return [
          `ALTER TABLE notes ALTER COLUMN spirit${round} TYPE varchar(100)`,
          `UPDATE notes SET spirit${round} = repeat('wide ', 9) WHERE account % 11 = ${account % 11}`,
        ];
      case 3:
        return [
          `CREATE TABLE branch_${round} (id int PRIMARY KEY, city text)`,
          `INSERT INTO branch_${round} SELECT n, 'city ' || n FROM generate_series(1, 50) n`,
          ...(round >= 3 ? [`DROP TABLE IF EXISTS branch_${round - 3}`] : []),
        ];
      default:
        return [
          ...(round >= 1 ? [`ALTER TABLE notes DROP COLUMN spirit${round - 1}`] : []),
          `INSERT INTO notes SELECT ${ACCOUNTS + 1 + round}, g, 'after round ${round}' FROM generate_series(1, 20) g ON CONFLICT DO NOTHING`,
          `UPDATE branch_${round} SET city = city || '!' WHERE id % 5 = ${account % 5}`,
        ];
    }
  },
  async bytesBehind(session) {
    const behind = 'SELECT max(pg_current_wal_insert_lsn() - confirmed_flush_lsn)::float8 AS bytes FROM pg_replication_slots';
    const [row] = (await session.run(behind)) as { bytes: number | null }[];
    return row?.bytes ?? 0;
  },
  isPassing: () => false,
};

/**
 * Customers who never rest: small transfers, rollbacks, edits of notes, moved keys, and now and then a large transaction.
 * Meanwhile an architect changes the shape of the notes and of the ledger, and opens and closes branches, each a table.
 */
export class BankLoad {
  readonly #url: string;
  readonly #random: () => number;
  readonly #server: BankServer;
  #stopping = false;
  #rests = false;
  #running: Promise<void>[] = [];
  transactions = 0;
  /** Changes of tables' shapes; they go on from where the last `stop` left them. */
  shapes = 0;

  constructor(url: string, random: () => number, server: BankServer = postgres) {
    this.#url = url;
    this.#random = random;
    this.#server = server;
  }

  /** @param isBuilding false where sessions may be lost: then nobody knows whether a step of the architect was done */
  start(isBuilding = true): void {
    this.#stopping = false;
    const architect = isBuilding ? [this.#architect()] : [];
    this.#running = [this.#customer(), this.#customer(), this.#clerk(), ...architect, this.#lookBehind()];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #lookBehind(): Promise<void> {
    await this.#forever(500, async (session) => {
      this.#rests = (await this.#server.bytesBehind(session)) > MOST_BEHIND;
    });
  }

  async #customer(): Promise<void> {
    await this.#work(3, () => {
      const [debit, credit] = [this.#account(), this.#account()];
      const amount = Math.floor(this.#random() * 50);
      return ['BEGIN', ...this.#server.transfer(debit, credit, amount), this.#random() < 0.1 ? 'ROLLBACK' : 'COMMIT'];
    });
  }

  async #clerk(): Promise<void> {
    let turn = 0;
    // A large transaction a second: a copy never ends where the log grows faster than a busy machine reads it.
    await this.#work(200, () => this.#server.chore(turn++, this.#account()));
  }

  async #architect(): Promise<void> {
    await this.#work(1000, () => {
      const [round, step] = [Math.floor(this.shapes / 5), this.shapes % 5];
      this.shapes++;
      return this.#server.blueprint(step, round, this.#account(), this.#random());
    });
  }

  /** @param next the statements of a turn */
  async #work(pauseMs: number, next: () => string[]): Promise<void> {
    await this.#forever(pauseMs, async (session) => {
      if (this.#rests) return;
      for (const statement of next()) await session.run(statement);
      this.transactions++;
    });
  }

  async #forever(pauseMs: number, act: (session: BankSession) => Promise<void>): Promise<void> {
    let session: BankSession | null = null;
    while (!this.#stopping) {
      let rest = pauseMs;
      try {
        session ??= await this.#server.connect(this.#url);
        await act(session);
      } catch (error) {
        if (!this.#server.isPassing(error)) throw error;
        await session?.end();
        session = null;
        rest = Math.max(pauseMs, RECONNECT_MS);
      }
      await new Promise((resolve) => setTimeout(resolve, rest));
    }
    await session?.end();
  }

  #account(): number {
    return 1 + Math.floor(this.#random() * ACCOUNTS);
  }
}
