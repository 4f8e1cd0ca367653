import {
  MARK,
  doingTo,
  expectNone,
  keysMatch,
  type Answer,
  type Divergence,
  type Doing,
  type SqlTransaction,
  type Stage,
  type Staged,
} from '@weir/sql-sink';
import { fillSql, filledSql, keylessMoveSql, movesColumns, movesSql } from './fill-moves.ts';
import type { Layout } from './layout.ts';
import {
  expectedSql,
  inTheWaySql,
  insertSql,
  presentSql,
  removeSql,
  thereSql,
  unknotSql,
  untangleSql,
  updateSql,
} from './merge.ts';
import {
  imagesColumns,
  imagesSql,
  insertKeylessSql,
  placesColumns,
  placesSql,
  removeKeylessSql,
  type KeylessTables,
} from './merge-keyless.ts';
import { FIRST_NUMBER, completeKeysSql, fillKeysSql, keysColumns, stageColumns, type Merge } from './stage-sql.ts';
import { TemporaryTables } from './temporary-tables.ts';

/** Temporary tables of the server: the stage itself, and what merges it, statement by statement, counting what it finds. */
export class MysqlStage implements Stage {
  readonly name: string;
  readonly #transaction: SqlTransaction;
  readonly #layout: Layout;
  readonly #doing: Doing;
  readonly #tables: TemporaryTables;
  /** Name of the table of keys. */
  readonly #keys: string;
  readonly #moves: string;
  readonly #keyless: KeylessTables;
  /** Rows that tables may still have. */
  #stagedRows = 0;
  #keysRows = 0;
  #imagesRows = 0;
  #movesRows = 0;

  /** @param prefix of the names of temporary tables: a database, and what tells the session's stages apart */
  constructor(transaction: SqlTransaction, layout: Layout, prefix: string) {
    this.#transaction = transaction;
    this.#layout = layout;
    this.#doing = doingTo(layout, 'writing', true);
    this.#tables = new TemporaryTables((sql) => this.#run(sql));
    this.name = `${prefix}_stage`;
    this.#keys = `${prefix}_keys`;
    this.#moves = `${prefix}_moves`;
    this.#keyless = { images: `${prefix}_images`, places: `${prefix}_places` };
  }

  async open(): Promise<void> {
    await this.#tables.open(this.name, stageColumns(this.#layout), this.#stagedRows);
    this.#stagedRows = 0;
  }

  async merge(staged: Staged): Promise<void> {
    const merge = this.#mergeOf(staged);
    if (this.#layout.key.length > 0) await this.#keyed(merge, staged);
    else await this.#withoutKey(merge, staged);
  }

  async fillMoves(staged: Staged): Promise<number> {
    const merge = this.#mergeOf(staged);
    await this.#tables.open(this.#moves, movesColumns(this.#layout), this.#movesRows);
    this.#movesRows = staged.rows;
    if (this.#layout.key.length > 0) {
      await this.#run(movesSql(merge, this.#moves));
    } else {
      await this.#findPlaces(merge, staged.rows);
      await this.#run(keylessMoveSql(merge, this.#moves, this.#keyless));
    }
    const { count } = await this.#run(fillSql(merge, this.#moves));
    await this.#run(filledSql(merge));
    return count;
  }

  async markAbsent(staged: Staged, range: string, at: string): Promise<void> {
    const merge = this.#mergeOf(staged);
    await this.#fillKeys(merge, staged.rows);
    await this.#run(
      `UPDATE ${this.#layout.sql} AS t LEFT JOIN ${this.#keys} AS k ON ${keysMatch(this.#layout, 't', 'k')} ` +
        `SET t.${MARK} = ${at} WHERE t.${MARK} IS NULL AND k.last_seq IS NULL AND ${range}`,
    );
  }

  pass(rows: number): number {
    this.#stagedRows = Math.max(this.#stagedRows, rows);
    return FIRST_NUMBER;
  }

  async drop(): Promise<void> {
    await this.#tables.dropAll();
  }

  #mergeOf({ unchanged, carries }: Staged): Merge {
    return { layout: this.#layout, stage: this.name, keys: this.#keys, unchanged, carries };
  }

  #run(sql: string): Promise<Answer> {
    return this.#transaction.run(sql, this.#doing);
  }

  /** @param rows how many are staged */
  async #fillKeys(merge: Merge, rows: number): Promise<void> {
    await this.#tables.open(this.#keys, keysColumns(merge), this.#keysRows);
    this.#keysRows = rows;
    await this.#run(fillKeysSql(merge));
  }

  async #keyed(merge: Merge, staged: Staged): Promise<void> {
    await this.#fillKeys(merge, staged.rows);
    if (staged.moves) await this.#untangle(merge, staged.rows);
    for (const sql of completeKeysSql(merge)) await this.#run(sql);
    if (staged.changes || merge.layout.soft) await this.#change(merge, staged);
    if (staged.inserts) await this.#insert(merge);
  }

  async #withoutKey(merge: Merge, staged: Staged): Promise<void> {
    if (staged.inserts) for (const sql of insertKeylessSql(merge)) await this.#run(sql);
    if (!staged.changes) return;
    const expected = await this.#findPlaces(merge, staged.rows);
    const { count } = await this.#run(removeKeylessSql(merge.layout, this.#keyless));
    this.#expectNone({ missing: expected - count });
  }

  /** @returns how many rows are to go */
  async #findPlaces(merge: Merge, rows: number): Promise<number> {
    await this.#tables.open(this.#keyless.images, imagesColumns, this.#imagesRows);
    await this.#tables.open(this.#keyless.places, placesColumns, this.#imagesRows);
    this.#imagesRows = rows;
    const { count } = await this.#run(imagesSql(merge, this.#keyless));
    await this.#run(placesSql(merge.layout, this.#keyless));
    return count;
  }

  async #untangle(merge: Merge, rows: number): Promise<void> {
    if (Number((await this.#run(presentSql(merge))).rows[0]![0]) > 0) {
      await this.#run(untangleSql(merge));
      await this.#fillKeys(merge, rows);
    }
    while ((await this.#run(unknotSql(merge))).count > 0) await this.#fillKeys(merge, rows);
  }

  async #change(merge: Merge, { reads }: Staged): Promise<void> {
    const { layout } = merge;
    const expected = Number((await this.#run(expectedSql(merge))).rows[0]![0]);
    // With a unique index the statements themselves count; without one two rows of a key could hide that another has none.
    if (layout.keyIndex === null) {
      const [there = 0, keys = 0] = (await this.#run(thereSql(merge))).rows[0]!.map(Number);
      this.#expectNone({ missing: expected - keys, doubled: there - keys });
    }
    let changed = 0;
    if (expected > 0) changed += (await this.#run(removeSql(merge, true))).count;
    if (reads || layout.soft) await this.#run(removeSql(merge, false));
    if (expected > 0) changed += (await this.#run(updateSql(merge))).count;
    this.#expectNone({ missing: Math.max(0, expected - changed), doubled: Math.max(0, changed - expected) });
  }

  async #insert(merge: Merge): Promise<void> {
    if (merge.layout.keyIndex === null) {
      this.#expectNone({ present: Number((await this.#run(inTheWaySql(merge))).rows[0]![0]) });
    }
    await this.#run(insertSql(merge, false));
    if (merge.carries) await this.#run(insertSql(merge, true));
  }

  #expectNone(divergence: Partial<Divergence>): void {
    expectNone('WEIR_MYSQL_DIVERGED', this.#layout, { missing: 0, doubled: 0, present: 0, ...divergence });
  }
}
