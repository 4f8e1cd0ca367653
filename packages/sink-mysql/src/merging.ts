import { fillSql, filledSql, keylessMoveSql, movesColumns, movesSql } from './fill-moves.ts';
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
  type Divergence,
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
import { completeKeysSql, fillKeysSql, keysColumns, type Merge } from './stage-sql.ts';
import type { TemporaryTables } from './temporary-tables.ts';
import type { Answer } from './transaction.ts';

/** What the staged rows do, so that statements that would find nothing are left out. */
export interface Staged {
  readonly rows: number;
  /** Some may change rows that are there. */
  readonly changes: boolean;
  /** Some bring rows. */
  readonly inserts: boolean;
  /** Some bring rows that may be there already. */
  readonly reads: boolean;
  /** Some give a row another key. */
  readonly moves: boolean;
}

/** Merges a stage into its target, statement by statement, and counts what it finds there. */
export class Merging {
  readonly #run: (sql: string) => Promise<Answer>;
  readonly #tables: TemporaryTables;
  readonly #diverged: (divergence: Divergence) => never;
  readonly #keyless: KeylessTables;
  readonly #moves: string;
  /** Name of the table of keys. */
  readonly keys: string;
  /** Rows that tables may still have. */
  #keysRows = 0;
  #imagesRows = 0;
  #movesRows = 0;

  /** @param prefix of the names of temporary tables */
  constructor(
    run: (sql: string) => Promise<Answer>,
    tables: TemporaryTables,
    prefix: string,
    diverged: (divergence: Divergence) => never,
  ) {
    this.#run = run;
    this.#tables = tables;
    this.#diverged = diverged;
    this.keys = `${prefix}_keys`;
    this.#moves = `${prefix}_moves`;
    this.#keyless = { images: `${prefix}_images`, places: `${prefix}_places` };
  }

  /** @param rows how many are staged */
  async fillKeys(merge: Merge, rows: number): Promise<void> {
    await this.#tables.open(this.keys, keysColumns(merge), this.#keysRows);
    this.#keysRows = rows;
    await this.#run(fillKeysSql(merge));
  }

  /**
   * Fetches what changed keys left as it was.
   * @param moves how many were staged, and nothing else
   * @returns how many rows of the target it found
   */
  async fillMoves(merge: Merge, moves: number): Promise<number> {
    await this.#tables.open(this.#moves, movesColumns(merge.layout), this.#movesRows);
    this.#movesRows = moves;
    if (merge.layout.key.length > 0) {
      await this.#run(movesSql(merge, this.#moves));
    } else {
      await this.#findPlaces(merge, moves);
      await this.#run(keylessMoveSql(merge, this.#moves, this.#keyless));
    }
    const { count } = await this.#run(fillSql(merge, this.#moves));
    await this.#run(filledSql(merge));
    return count;
  }

  async keyed(merge: Merge, staged: Staged): Promise<void> {
    await this.fillKeys(merge, staged.rows);
    if (staged.moves) await this.#untangle(merge, staged.rows);
    for (const sql of completeKeysSql(merge)) await this.#run(sql);
    if (staged.changes || merge.layout.soft) await this.#change(merge, staged);
    if (staged.inserts) await this.#insert(merge);
  }

  async keyless(merge: Merge, staged: Staged): Promise<void> {
    if (staged.inserts) for (const sql of insertKeylessSql(merge)) await this.#run(sql);
    if (!staged.changes) return;
    const expected = await this.#findPlaces(merge, staged.rows);
    const { count } = await this.#run(removeKeylessSql(merge.layout, this.#keyless));
    if (count !== expected) this.#diverged({ missing: expected - count, doubled: 0, present: 0 });
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
      await this.fillKeys(merge, rows);
    }
    while ((await this.#run(unknotSql(merge))).count > 0) await this.fillKeys(merge, rows);
  }

  async #change(merge: Merge, { reads }: Staged): Promise<void> {
    const { layout } = merge;
    const expected = Number((await this.#run(expectedSql(merge))).rows[0]![0]);
    // With a unique index the statements themselves count; without one two rows of a key could hide that another has none.
    if (!layout.hasKeyIndex) {
      const [there = 0, keys = 0] = (await this.#run(thereSql(merge))).rows[0]!.map(Number);
      if (there !== expected || keys !== expected) {
        this.#diverged({ missing: expected - keys, doubled: there - keys, present: 0 });
      }
    }
    let changed = 0;
    if (expected > 0) changed += (await this.#run(removeSql(merge, true))).count;
    if (reads || layout.soft) await this.#run(removeSql(merge, false));
    if (expected > 0) changed += (await this.#run(updateSql(merge))).count;
    if (changed === expected) return;
    this.#diverged({ missing: Math.max(0, expected - changed), doubled: Math.max(0, changed - expected), present: 0 });
  }

  async #insert(merge: Merge): Promise<void> {
    if (!merge.layout.hasKeyIndex) {
      const present = Number((await this.#run(inTheWaySql(merge))).rows[0]![0]);
      if (present > 0) this.#diverged({ missing: 0, doubled: 0, present });
    }
    await this.#run(insertSql(merge, false));
    if (merge.carries) await this.#run(insertSql(merge, true));
  }
}
