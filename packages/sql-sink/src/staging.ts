import { Op, type Batch, type KeyRange } from '@weir/sdk';
import type { Dialect } from './dialect.ts';
import { doingTo, type Layout } from './layout.ts';
import { RowImages } from './row-images.ts';
import type { Field, RowLoader } from './row-loader.ts';
import type { Doing, SqlTransaction } from './sql-transaction.ts';
import { expectNone, type Stage, type Staged } from './stage.ts';
import { stagedList } from './stage-sql.ts';

/** A merge is bounded: more than this is not staged before it. */
const MERGE_ROWS = 500_000;
const MERGE_BYTES = 256 * 2 ** 20;

/**
 * A commit's rows of one table from its first update or delete on, in a temporary table of the server, until they are
 * merged. The table stays for the next commits.
 */
export class Staging<E> {
  readonly #dialect: Dialect<E>;
  readonly #transaction: SqlTransaction;
  readonly #layout: Layout<E>;
  readonly #stage: Stage;
  readonly #doing: Doing;
  /** The time that the sink's clock shows, for deletes whose commit time the source does not know; in ms since 1970. */
  readonly #now: () => number;
  readonly #unchanged = new Set<number>();
  /** The number of the next row. */
  #next: number;
  #isOpen = false;
  #rows = 0;
  #bytes = 0;
  /** What the rows to be merged do: see {@link Staged}. */
  #changes = false;
  #inserts = false;
  #reads = false;
  #moves = false;
  #carries = false;

  /** @param number tells the session's stages apart */
  constructor(dialect: Dialect<E>, transaction: SqlTransaction, layout: Layout<E>, number: number, now: () => number) {
    this.#dialect = dialect;
    this.#transaction = transaction;
    this.#layout = layout;
    this.#now = now;
    this.#doing = doingTo(layout, 'writing', true);
    this.#stage = dialect.stage(transaction, layout, number);
    this.#next = this.#stage.pass(0, null);
  }

  /** True when so much is staged that it is better merged now. */
  get isFull(): boolean {
    return this.#rows >= MERGE_ROWS || this.#bytes >= MERGE_BYTES;
  }

  /**
   * Stages rows of a batch in order, up to the first that `stops` or that only `addMoves` can do.
   * @returns how many it took
   */
  async add(batch: Batch, rows: Uint32Array, stops: (row: number) => boolean): Promise<number> {
    const images = new RowImages(this.#layout, batch, this.#next);
    let taken = 0;
    while (taken < rows.length && !stops(rows[taken]!) && images.add(rows[taken]!)) taken++;
    await this.#load(batch, images, taken);
    return taken;
  }

  /**
   * Stages updates that leave something as the target has it under the old key, and fetches it. Nothing may be staged
   * before. Takes as many as do not depend on each other.
   * @param isMove whether a row is such an update
   * @returns how many it took, at least one
   */
  async addMoves(batch: Batch, rows: Uint32Array, isMove: (row: number) => boolean): Promise<number> {
    const images = new RowImages(this.#layout, batch, this.#next);
    // Equal rows without a key cannot be told apart, so each change has to see the one before.
    const most = this.#layout.key.length === 0 ? 1 : rows.length;
    const keys = new Set<string>();
    let taken = 0;
    while (taken < most && isMove(rows[taken]!)) {
      const row = rows[taken]!;
      const old = images.keyText(batch.before[row]!);
      if (keys.has(old)) break;
      keys.add(old).add(images.keyText(batch.after[row]!));
      images.addMove(row);
      taken++;
    }
    await this.#load(batch, images, taken);
    const found = await this.#stage.fillMoves(this.#staged());
    expectNone(this.#dialect.codes.diverged, this.#layout, { missing: taken - found, doubled: 0, present: 0 });
    this.#carries = this.#layout.extras.length > 0;
    this.#unchanged.clear();
    return taken;
  }

  /**
   * Marks the target's rows of a range as deleted whose keys are not staged.
   * @param time in µs since 1970; 0 when it is not known
   */
  async markAbsent(range: KeyRange, time: number): Promise<void> {
    await this.#open();
    const at = this.#dialect.literal(this.#timeText(time));
    await this.#stage.markAbsent(this.#staged(), this.#dialect.rangeSql(this.#layout, range), at);
  }

  /** Merges what is staged into the target. @throws WeirError `codes.diverged` of the dialect */
  async merge(): Promise<void> {
    if (this.#rows === 0) return;
    await this.#stage.merge(this.#staged());
    this.clear();
  }

  /** Forgets what is staged. */
  clear(): void {
    this.#pass(this.#next);
  }

  /** To be called after a commit. */
  startGroup(): void {
    this.#pass(null);
  }

  async drop(): Promise<void> {
    await this.#stage.drop();
  }

  async #open(): Promise<void> {
    if (this.#isOpen) return;
    await this.#stage.open();
    this.#isOpen = true;
  }

  #staged(): Staged {
    return {
      rows: this.#rows,
      unchanged: [...this.#unchanged].sort((a, b) => a - b),
      carries: this.#carries,
      changes: this.#changes,
      inserts: this.#inserts,
      reads: this.#reads,
      moves: this.#moves,
    };
  }

  async #load(batch: Batch, images: RowImages, taken: number): Promise<void> {
    if (taken === 0) return;
    await this.#open();
    const at = { ...this.#doing, findNotUtf8: () => images.findNotUtf8() };
    await this.#transaction.load(this.#stage.name, stagedList(this.#layout), at, (rows) => this.#fill(rows, batch, images));
    for (const { op } of images.rows) {
      if (op === Op.update || op === Op.delete || op === Op.read) this.#changes = true;
      if (op === Op.insert || op === Op.read) this.#inserts = true;
      if (op === Op.read) this.#reads = true;
    }
    if (images.rows.length > taken) this.#moves = true;
    this.#bytes += (batch.data.length * taken) / batch.rows;
    this.#next = images.next;
    this.#rows += images.rows.length;
    for (const column of images.unchanged) this.#unchanged.add(column);
  }

  async #fill(rows: RowLoader, batch: Batch, images: RowImages): Promise<void> {
    const { columns, soft } = this.#layout;
    const { cells } = images;
    for (const { seq, marks, op, image, row } of images.rows) {
      const fields: Field[] = [seq, marks];
      if (soft) fields.push(op === Op.delete ? this.#timeText(batch.commits[batch.commit[row]!]!.time) : null);
      const waiting = rows.row(fields, cells, image, columns, true);
      if (waiting !== null) await waiting;
    }
  }

  #timeText(time: number): string {
    return this.#dialect.timestampText(time === 0 ? this.#now() * 1000 : time);
  }

  /** All rows so far are done with. */
  #pass(next: number | null): void {
    this.#next = this.#stage.pass(this.#rows, next);
    this.#isOpen = false;
    this.#rows = 0;
    this.#bytes = 0;
    this.#changes = false;
    this.#inserts = false;
    this.#reads = false;
    this.#moves = false;
    this.#carries = false;
    this.#unchanged.clear();
  }
}
