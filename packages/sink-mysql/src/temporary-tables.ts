import type { Ask } from '@weir/sql-sink';

/** Rows of a temporary table above which it is made anew instead of being emptied row by row. */
const EMPTIED_ROWS = 2_000;

/**
 * Temporary tables of one writer, which stay for the next commits. Neither making nor dropping one ends the transaction that
 * is open, as TRUNCATE would: https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html
 */
export class TemporaryTables {
  readonly #run: Ask;
  /** By name, the columns of those that are there. */
  readonly #tables = new Map<string, string>();

  constructor(run: Ask) {
    this.#run = run;
  }

  /** Makes sure that an empty table of these columns is there. @param rows how many it may have had */
  async open(name: string, columns: string, rows: number): Promise<void> {
    const there = this.#tables.get(name);
    if (there === columns && rows <= EMPTIED_ROWS) {
      if (rows > 0) await this.#run(`DELETE FROM ${name}`);
      return;
    }
    if (there !== undefined) await this.#run(`DROP TEMPORARY TABLE ${name}`);
    this.#tables.delete(name);
    await this.#run(`CREATE TEMPORARY TABLE ${name} (${columns}) ENGINE=InnoDB`);
    this.#tables.set(name, columns);
  }

  async dropAll(): Promise<void> {
    for (const name of this.#tables.keys()) await this.#run(`DROP TEMPORARY TABLE ${name}`);
    this.#tables.clear();
  }
}
