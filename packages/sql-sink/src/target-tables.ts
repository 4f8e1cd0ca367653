import {
  CopiedRanges,
  targetName,
  type Batch,
  type Clock,
  type KeyRange,
  type SchemaChange,
  type SinkOptions,
  type Table,
} from '@weir/sdk';
import type { Dialect } from './dialect.ts';
import { refuse } from './finding.ts';
import { HistoryWriter } from './history-writer.ts';
import { layOut } from './lay-out.ts';
import type { Layout } from './layout.ts';
import { MirrorWriter } from './mirror-writer.ts';
import type { QualifiedName } from './quoting.ts';
import type { SqlTransaction } from './sql-transaction.ts';
import { shapeFindings, targetFindings } from './table-rules.ts';
import type { TableWriter } from './table-writer.ts';
import type { TargetTable } from './target-table.ts';

/** Writers of tables that rest are given up, with their stages on the server, beyond this many. */
const OPEN_TABLES = 64;

/** Changes the shape of tables at the sink. */
export interface ShapeChanges {
  /** What a table at the sink is like. @throws WeirError unless it is there and was made for this table of the source */
  find(table: Table, target: QualifiedName): Promise<TargetTable>;
  /**
   * Starts a table. A mirror starts empty; a history that is not the pipeline's first goes on.
   * @returns true when a history goes on, so that it has to be told
   */
  create(change: SchemaChange & { readonly change: 'create' }, target: QualifiedName): Promise<boolean>;
  /** Applies any other change. */
  alter(change: SchemaChange, target: QualifiedName): Promise<void>;
}

/** Reads rows of a mirror back in the session's transaction, so that what it has written is seen. */
export interface RangeReader {
  read(range: KeyRange): AsyncGenerator<Batch>;
}

export interface TargetTools<E> {
  readonly dialect: Dialect<E>;
  readonly transaction: SqlTransaction;
  readonly options: SinkOptions;
  readonly clock: Clock;
  /** @param isTouched whether the open transaction has read or written a target's rows */
  shapeChanges(isTouched: (target: QualifiedName) => boolean): ShapeChanges;
  rangeReader(layout: Layout<E>): RangeReader | Promise<RangeReader>;
}

/** The tables that a session writes: changes their shape, checks that they are Weir's own, and keeps a writer for each. */
export class TargetTables<E> {
  readonly #tools: TargetTools<E>;
  readonly #changes: ShapeChanges;
  /** By target, the writer of the current version. Least recently touched first. */
  readonly #writers = new Map<string, TableWriter<E>>();
  /** By target, for mirrors that this session made. */
  readonly #copied = new Map<string, CopiedRanges>();
  readonly #readers = new WeakMap<Layout<E>, RangeReader>();
  /** Targets whose rows the open transaction has seen. */
  readonly #touched = new Set<string>();
  #made = 0;

  constructor(tools: TargetTools<E>) {
    this.#tools = tools;
    this.#changes = tools.shapeChanges((target) => this.#touched.has(this.#keyOf(target)));
  }

  /** Applies a change that stands before the rows of a batch. */
  async apply(change: SchemaChange, batch: Batch): Promise<void> {
    const { table } = change;
    const target = this.#targetOf(table);
    const key = this.#keyOf(target);
    await this.#giveUp(key, change.change !== 'create' && change.change !== 'drop-table');
    if (change.change === 'drop-table') this.#copied.delete(key);
    if (change.change !== 'create') return await this.#changes.alter(change, target);
    const goesOn = await this.#changes.create(change, target);
    this.#copied.set(key, new CopiedRanges(!goesOn));
    if (!goesOn) return;
    const writer = await this.writer(table);
    const position = batch.commits[0]?.position ?? batch.checkpoint?.position ?? '';
    if (writer instanceof HistoryWriter) await writer.startOver(position);
  }

  /**
   * The writer of a table that is there already.
   * @throws WeirError `codes.tableExists` or `codes.diverged` of the dialect, WEIR_SINK_*
   */
  async writer(table: Table): Promise<TableWriter<E>> {
    const { dialect, transaction, options } = this.#tools;
    const target = this.#targetOf(table);
    const key = this.#keyOf(target);
    this.#touched.add(key);
    const current = this.#writers.get(key);
    if (current?.layout.table === table) return this.#used(key, current);
    await this.#giveUp(key, true);
    refuse(table, shapeFindings(dialect, table, target, options));
    const found = await this.#changes.find(table, target);
    refuse(table, targetFindings(dialect, table, target, found, options));
    await this.#closeResting();
    const layout = layOut(dialect, table, target, found, options);
    const writer = options.mode === 'append' ? new HistoryWriter(dialect, transaction, layout) : this.#mirrorWriter(layout, key);
    this.#writers.set(key, writer);
    return writer;
  }

  #mirrorWriter(layout: Layout<E>, key: string): MirrorWriter<E> {
    const { dialect, transaction, clock } = this.#tools;
    const copied = this.#copied.get(key) ?? new CopiedRanges(false);
    return new MirrorWriter(dialect, transaction, layout, { number: ++this.#made, copied, now: () => clock.now() });
  }

  /** The rows of a mirror in a range of keys, behind everything that was written; see `SinkBase.readRange`. */
  async readRange(table: Table, range: KeyRange): Promise<AsyncGenerator<Batch>> {
    const writer = await this.writer(table);
    await writer.settle();
    const { layout } = writer;
    const reader = this.#readers.get(layout) ?? (await this.#tools.rangeReader(layout));
    this.#readers.set(layout, reader);
    return reader.read(range);
  }

  /** Makes the tables hold everything that was written. */
  async settle(): Promise<void> {
    for (const writer of this.#writers.values()) if (writer.touched) await writer.settle();
  }

  /** To be called when a commit is through. @param isChanged whether a target is to be looked at again, since it is another now */
  async startGroup(isChanged: (target: QualifiedName) => boolean): Promise<void> {
    this.#touched.clear();
    for (const [key, writer] of this.#writers) {
      writer.startGroup();
      if (!isChanged(writer.layout.target)) continue;
      this.#writers.delete(key);
      await writer.close();
    }
  }

  #targetOf(table: Table): QualifiedName {
    return targetName(table, this.#tools.options.target);
  }

  #keyOf(target: QualifiedName): string {
    return this.#tools.dialect.qualified(target);
  }

  /** @param keeps whether the table keeps its rows, so that what was written has to be in it */
  async #giveUp(key: string, keeps: boolean): Promise<void> {
    const writer = this.#writers.get(key);
    if (writer === undefined) return;
    this.#writers.delete(key);
    if (keeps) await writer.settle();
    await writer.close();
  }

  #used(key: string, writer: TableWriter<E>): TableWriter<E> {
    if (writer.touched) return writer;
    this.#writers.delete(key);
    this.#writers.set(key, writer);
    return writer;
  }

  async #closeResting(): Promise<void> {
    if (this.#writers.size < OPEN_TABLES) return;
    const [key, oldest] = this.#writers.entries().next().value!;
    this.#writers.delete(key);
    await oldest.settle();
    await oldest.close();
  }
}
