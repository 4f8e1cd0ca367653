import pg from 'pg';

/** Money in all accounts together; every transaction keeps it. */
export const TOTAL = 1_000_000;
const ACCOUNTS = 1000;
/** Rows of a large transaction: more than two batches. */
const BULK = 20_000;
/** Customers rest while a pipeline is so many bytes of the log behind: on a busy machine it would never catch up. */
const MOST_BEHIND = 32 * 2 ** 20;

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

/**
 * Customers who never rest: small transfers, rollbacks, edits of notes, moved keys, and now and then a large transaction.
 * Meanwhile an architect changes the shape of the notes and of the ledger, and opens and closes branches, each a table.
 */
export class BankLoad {
  readonly #url: string;
  readonly #random: () => number;
  #stopping = false;
  #rests = false;
  #running: Promise<void>[] = [];
  transactions = 0;
  /** Changes of tables' shapes; they go on from where the last `stop` left them. */
  shapes = 0;

  constructor(url: string, random: () => number) {
    this.#url = url;
    this.#random = random;
  }

  start(): void {
    this.#stopping = false;
    this.#running = [this.#customer(), this.#customer(), this.#clerk(), this.#architect(), this.#lookBehind()];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #lookBehind(): Promise<void> {
    const behind = 'SELECT max(pg_current_wal_insert_lsn() - confirmed_flush_lsn)::float8 AS bytes FROM pg_replication_slots';
    await this.#forever(500, async (client) => {
      const { rows } = await client.query<{ bytes: number | null }>(behind);
      this.#rests = (rows[0]?.bytes ?? 0) > MOST_BEHIND;
    });
  }

  async #customer(): Promise<void> {
    await this.#work(3, async (client) => {
      const [debit, credit] = [this.#account(), this.#account()];
      const amount = Math.floor(this.#random() * 50);
      await client.query('BEGIN');
      const [low, high] = debit < credit ? [debit, credit] : [credit, debit];
      await client.query('SELECT 1 FROM accounts WHERE id IN ($1, $2) ORDER BY id FOR UPDATE', [low, high]);
      await client.query('UPDATE accounts SET balance = balance - $2, touched = now() WHERE id = $1', [debit, amount]);
      await client.query('UPDATE accounts SET balance = balance + $2, touched = now() WHERE id = $1', [credit, amount]);
      await client.query('INSERT INTO ledger (debit, credit, amount, memo) VALUES ($1, $2, $3, $4)', [debit, credit, amount, 'žluť\t\\N']);
      await client.query(this.#random() < 0.1 ? 'ROLLBACK' : 'COMMIT');
    });
  }

  async #clerk(): Promise<void> {
    let turn = 0;
    // A large transaction a second: a copy never ends where the log grows faster than a busy machine reads it.
    await this.#work(200, async (client) => {
      const account = this.#account();
      const action = turn++ % 5;
      if (action === 0) await client.query(`INSERT INTO ledger (amount, memo) SELECT 0, 'bulk' FROM generate_series(1, ${BULK})`);
      if (action === 1) await client.query('UPDATE notes SET line = line + 1 WHERE account = $1', [account]);
      if (action === 2) await client.query('UPDATE notes SET body = body || $2 WHERE account = $1', [account, '!']);
      if (action === 3) await client.query(`DELETE FROM ledger WHERE memo = 'bulk' AND id % 3 = $1`, [account % 3]);
      if (action === 4) {
        await client.query('DELETE FROM notes WHERE account = $1', [account]);
        await client.query('INSERT INTO audit (entry) VALUES ($1)', [`notes of ${account} are gone`]);
      }
    });
  }

  async #architect(): Promise<void> {
    await this.#work(1000, async (client) => {
      const round = Math.floor(this.shapes / 5);
      for (const statement of this.#blueprint(this.shapes++ % 5, round)) await client.query(statement);
    });
  }

  /** The statements of one step of a round: a column comes, is used, gets another name and type, and goes. */
  #blueprint(step: number, round: number): string[] {
    const account = this.#account();
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
          ...(this.#random() < 0.2 ? ['ROLLBACK', `ALTER TABLE notes RENAME COLUMN mood${round} TO spirit${round}`] : ['COMMIT']),
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
  }

  async #work(pauseMs: number, act: (client: pg.Client) => Promise<void>): Promise<void> {
    await this.#forever(pauseMs, async (client) => {
      if (this.#rests) return;
      await act(client);
      this.transactions++;
    });
  }

  async #forever(pauseMs: number, act: (client: pg.Client) => Promise<void>): Promise<void> {
    const client = new pg.Client(this.#url);
    await client.connect();
    while (!this.#stopping) {
      await act(client);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await client.end();
  }

  #account(): number {
    return 1 + Math.floor(this.#random() * ACCOUNTS);
  }
}
