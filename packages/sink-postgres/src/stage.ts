import {
  MARK,
  doingTo,
  expectNone,
  type Answer,
  type Doing,
  type Layout,
  type SqlTransaction,
  type Stage,
  type Staged,
} from '@weir/sql-sink';
import { changeSql, changedDivergence, insertSql, insertedDivergence, presentSql, unknotSql, untangleSql } from './merge.ts';
import { insertKeylessSql, removeKeylessSql, removedDivergence } from './merge-keyless.ts';
import { NUMBER_GAP, fillSql, lacksSql, stageColumns, type Merge } from './stage-sql.ts';

/** Merged rows that may lie in a stage until the commit; above, it is emptied, so that later merges do not read them. */
const MERGED_ROWS = 8192;
/** From this many rows on, statistics pay: the server would take a stage that it knows nothing of for a small one. */
const ANALYZE_ROWS = 20_000;

/** A temporary table, which the server itself empties at each commit. Rows that are merged stay in it until then. */
export class PostgresStage implements Stage {
  readonly name: string;
  readonly #layout: Layout;
  readonly #doing: Doing;
  readonly #transaction: SqlTransaction;
  #isMade = false;
  /** The number of the first row that was not merged. */
  #first = NUMBER_GAP;
  #mergedRows = 0;

  /** @param number tells the session's stages apart */
  constructor(transaction: SqlTransaction, layout: Layout, number: number) {
    this.#transaction = transaction;
    this.#layout = layout;
    this.#doing = doingTo(layout, 'writing', true);
    this.name = `pg_temp.weir_stage_${number}`;
  }

  async open(): Promise<void> {
    if (this.#mergedRows > MERGED_ROWS) await this.#empty();
    if (this.#isMade) return;
    const table = this.name.replace('pg_temp.', '');
    await this.#transaction.run(
      `CREATE TEMPORARY TABLE ${table} (${stageColumns(this.#layout)}) ON COMMIT DELETE ROWS`,
      doingTo(this.#layout, 'staging rows of'),
    );
    this.#isMade = true;
  }

  async merge(staged: Staged): Promise<void> {
    const merge = this.#mergeOf(staged);
    if (this.#layout.key.length === 0) return await this.#mergeKeyless(merge, staged);
    if (staged.rows >= ANALYZE_ROWS) await this.#analyze();
    if (staged.moves) {
      if (Number((await this.#run(presentSql(merge))).rows[0]![0]) > 0) await this.#run(untangleSql(merge));
      while ((await this.#run(unknotSql(merge))).count > 0);
    }
    if (staged.changes || this.#layout.soft) {
      const { rows } = await this.#run(changeSql(merge));
      expectNone('WEIR_PG_DIVERGED', this.#layout, changedDivergence(rows[0]!));
    }
    if (!staged.inserts) return;
    const { rows } = await this.#run(insertSql(merge));
    expectNone('WEIR_PG_DIVERGED', this.#layout, insertedDivergence(rows[0]!));
  }

  async fillMoves(staged: Staged): Promise<number> {
    return (await this.#run(fillSql(this.#mergeOf(staged)))).count;
  }

  async markAbsent(staged: Staged, range: string, at: string): Promise<void> {
    const merge = this.#mergeOf(staged);
    await this.#run(
      `UPDATE ${this.#layout.sql} AS t SET ${MARK} = ${at} WHERE t.${MARK} IS NULL AND ${range} AND ${lacksSql(merge)}`,
    );
  }

  pass(rows: number, next: number | null): number {
    this.#mergedRows = next === null ? 0 : this.#mergedRows + rows;
    this.#first = (next ?? 0) + NUMBER_GAP;
    return this.#first;
  }

  async drop(): Promise<void> {
    if (this.#isMade) await this.#run(`DROP TABLE ${this.name}`);
  }

  async #mergeKeyless(merge: Merge, staged: Staged): Promise<void> {
    if (staged.inserts) await this.#run(insertKeylessSql(merge));
    if (!staged.changes) return;
    const { rows } = await this.#run(removeKeylessSql(merge));
    expectNone('WEIR_PG_DIVERGED', this.#layout, removedDivergence(rows[0]!));
  }

  #mergeOf({ unchanged, carries }: Staged): Merge {
    return { layout: this.#layout, stage: this.name, from: this.#first - NUMBER_GAP / 2, unchanged, carries };
  }

  async #analyze(): Promise<void> {
    const keys = this.#layout.key.map(({ index }) => `c${index}`);
    await this.#run(`ANALYZE ${this.name} (seq, ${keys.join(', ')})`);
  }

  async #empty(): Promise<void> {
    await this.#run(`TRUNCATE ${this.name}`);
    this.#mergedRows = 0;
  }

  #run(sql: string): Promise<Answer> {
    return this.#transaction.run(sql, this.#doing);
  }
}
