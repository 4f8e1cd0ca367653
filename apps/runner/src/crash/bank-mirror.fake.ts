import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'vitest';
import { ACCOUNTS, TOTAL } from './bank.ts';
import { weir } from './runner-process.ts';

/** The mirror of a bank in a DuckDB file that no process holds. */
export class BankMirror {
  readonly #file: string;
  readonly #schema: string;
  /** All accounts were there once. */
  #isWhole = false;

  constructor(file: string, schema: string) {
    this.#file = file;
    this.#schema = schema;
  }

  /**
   * What a reader sees is a state that the source was in: no money is on its way (invariant 3). Accounts that are being copied are from
   * several moments, and are none again once they were all there.
   */
  async expectWholeTransactions(): Promise<void> {
    const [isMade] = await this.#ask(`SELECT count(*) FROM information_schema.tables WHERE table_schema = '${this.#schema}' AND table_name = 'accounts'`);
    const [accounts, total] =
      isMade === '1' ? await this.#ask(`SELECT count(*), sum(balance) FROM ${this.#schema}.accounts`) : ['0', 'null'];
    if (!this.#isWhole && Number(accounts) < ACCOUNTS) return;
    expect({ accounts, total }).toEqual({ accounts: String(ACCOUNTS), total: String(TOTAL) });
    this.#isWhole = true;
  }

  /** Accounts and ledger, which are copied, say the same of each transfer: one transaction wrote both (invariant 3). */
  async expectBalancedBooks(): Promise<void> {
    const [wrong] = await this.#ask(`
      SELECT count(*) FROM ${this.#schema}.accounts LEFT JOIN (
        SELECT account, sum(amount) AS moved FROM (
          SELECT credit AS account, amount FROM ${this.#schema}.ledger UNION ALL SELECT debit, -amount FROM ${this.#schema}.ledger)
        GROUP BY account) ON account = id
      WHERE balance <> ${TOTAL / ACCOUNTS} + coalesce(moved, 0)`);
    expect(wrong).toBe('0');
  }

  /** The first row of the answer, as texts. */
  async #ask(sql: string): Promise<string[]> {
    const instance = await DuckDBInstance.create(this.#file);
    const connection = await instance.connect();
    try {
      return (await connection.runAndReadAll(sql)).getRows()[0]!.map(String);
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }
}

/** When the source rests, a run ends with every row where it belongs. */
export async function expectEqual(file: string): Promise<void> {
  const caughtUp = await weir('run', file, '--until-caught-up');
  expect(caughtUp.code, caughtUp.stderr).toBe(0);
  const verified = await weir('verify', file, '--json');
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
}
