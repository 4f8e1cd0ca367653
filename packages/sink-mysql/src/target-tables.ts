import { CopiedRanges, targetName, type Batch, type Clock, type KeyRange, type SchemaChange, type SinkOptions, type Table } from '@weir/sdk';
import type { TypeRules } from './column-type.ts';
import { HistoryWriter } from './history-writer.ts';
import { layOut, type Layout } from './layout.ts';
import { MirrorWriter, type MirrorOptions } from './mirror-writer.ts';
import { RangeReader } from './range-reader.ts';
import type { Registry } from './registry.ts';
import { SchemaChanges } from './schema-changes.ts';
import type { Step } from './shape-steps.ts';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import type { TableCopies } from './table-copies.ts';
import { refuse, shapeFindings, targetFindings } from './table-rules.ts';
import type { TableWriter } from './table-writer.ts';
import type { TargetShapes } from './target-shapes.ts';
import type { Transaction } from './transaction.ts';

/** Writers of tables that rest are given up, with their stages on the server, beyond this many. */
const OPEN_TABLES = 64;

export interface TargetTools {
  readonly transaction: Transaction;
  readonly registry: Registry;
  readonly shapes: TargetShapes;
  readonly copies: TableCopies;
  readonly rules: TypeRules;
  /** Where temporary tables are made. */
  readonly database: string;
  readonly clock: Clock;
}

/** The tables that a session writes: changes their shape, checks that they are Weir's own, and keeps a writer for each. */
export class TargetTables {
  readonly #tools: TargetTools;
  readonly #changes: SchemaChanges;
  readonly #options: SinkOptions;
  /** By target, the writer of the current version. Least recently touched first. */
  readonly #writers = new Map<string, TableWriter>();
  /** By target, for mirrors that this session made. */
  readonly #copied = new Map<string, CopiedRanges>();
  readonly #readers = new WeakMap<Layout, RangeReader>();
  /** Targets whose rows the open transaction has seen. */
  readonly #touched = new Set<string>();
  #made = 0;

  constructor(tools: TargetTools, options: SinkOptions) {
    const isTouched = (target: QualifiedName): boolean => this.#touched.has(qualified(target));
    this.#tools = tools;
    this.#changes = new SchemaChanges({ ...tools, isTouched }, options, tools.rules);
    this.#options = options;
  }

  /** Applies a change that stands before the rows of a batch. */
  async apply(change: SchemaChange, batch: Batch): Promise<void> {
    const { table } = change;
    const target = targetName(table, this.#options.target);
    await this.#giveUp(target, change.change !== 'create' && change.change !== 'drop-table');
    if (change.change === 'drop-table') this.#copied.delete(qualified(target));
    if (change.change !== 'create') return await this.#changes.alter(change, target);
    const goesOn = await this.#changes.create(change, target);
    this.#copied.set(qualified(target), new CopiedRanges(!goesOn));
    if (!goesOn) return;
    const writer = await this.writer(table);
    const position = batch.commits[0]?.position ?? batch.checkpoint?.position ?? '';
    if (writer instanceof HistoryWriter) await writer.startOver(position);
  }

  /**
   * The writer of a table that is there already.
   * @throws WeirError WEIR_MYSQL_TABLE_EXISTS, WEIR_MYSQL_DIVERGED, WEIR_SINK_*
   */
  async writer(table: Table): Promise<TableWriter> {
    const target = targetName(table, this.#options.target);
    const { transaction, rules, database } = this.#tools;
    this.#touched.add(qualified(target));
    const current = this.#writers.get(qualified(target));
    if (current?.layout.table === table) return this.#used(current);
    await this.#giveUp(target, true);
    refuse(table, shapeFindings(table, target, this.#options, rules));
    const found = await this.#changes.find(table, target);
    refuse(table, targetFindings(table, target, found, this.#options, rules));
    await this.#closeResting();
    const layout = layOut(table, target, found, this.#options, rules);
    const prefix = `${identifier(database)}._weir_w${++this.#made}`;
    const writer =
      this.#options.mode === 'append'
        ? new HistoryWriter(transaction, layout)
        : new MirrorWriter(transaction, layout, prefix, this.#mirrorOptions(target));
    this.#writers.set(qualified(target), writer);
    return writer;
  }

  #mirrorOptions(target: QualifiedName): MirrorOptions {
    const copied = this.#copied.get(qualified(target)) ?? new CopiedRanges(false);
    return { copied, now: () => this.#tools.clock.now() };
  }

  /** The rows of a mirror in a range of keys, behind everything that was written; see `SinkBase.readRange`. */
  async readRange(table: Table, range: KeyRange): Promise<AsyncGenerator<Batch>> {
    const writer = await this.writer(table);
    await writer.settle();
    const { layout } = writer;
    const reader = this.#readers.get(layout) ?? new RangeReader(this.#tools.transaction, layout);
    this.#readers.set(layout, reader);
    return reader.read(range);
  }

  /** Makes the tables hold everything that was written. */
  async settle(): Promise<void> {
    for (const writer of this.#writers.values()) if (writer.touched) await writer.settle();
  }

  /** What is to be done behind the commit. */
  steps(): Step[] {
    return this.#tools.shapes.steps();
  }

  /** To be called when a commit is through: tables that had something done to them are looked at again. */
  async startGroup(): Promise<void> {
    const { shapes } = this.#tools;
    for (const [key, writer] of this.#writers) {
      writer.startGroup();
      if (!shapes.has(writer.layout.target)) continue;
      this.#writers.delete(key);
      await writer.close();
    }
    shapes.clear();
    this.#touched.clear();
  }

  /** @param keeps whether the table keeps its rows, so that what was written has to be in it */
  async #giveUp(target: QualifiedName, keeps: boolean): Promise<void> {
    const writer = this.#writers.get(qualified(target));
    if (writer === undefined) return;
    this.#writers.delete(qualified(target));
    if (keeps) await writer.settle();
    await writer.close();
  }

  #used(writer: TableWriter): TableWriter {
    if (writer.touched) return writer;
    const key = qualified(writer.layout.target);
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
