import { Op, WeirError, tableName, unchanged, type Checkpoint, type Table } from '@weir/sdk';
import type { SeenBatch, SeenCell, SeenRow } from './seen-batch.ts';
import { contentOf, keyOf, type Cells, type TableContent } from './table-content.ts';

interface KeptRow {
  /** Null for a tombstone. */
  readonly cells: Cells | null;
  readonly version: bigint;
}

/** A mirrored table: its rows by key, and the last streamed row that was applied to it. */
interface KeptTable {
  readonly rows: Map<string, KeptRow>;
  last: string;
}

/** What a memory sink keeps: all that a real one would have on its disk. Lives longer than sinks and their sessions. */
export class MemoryTarget {
  /** Rows as they came, for sinks that only append. */
  readonly appended: SeenRow[] = [];
  /** Called after each commit, with the new checkpoint and while nothing else changes. */
  onCommit: ((checkpoint: Checkpoint) => void) | null = null;
  #tables = new Map<string, KeptTable>();
  #checkpoint: Checkpoint | null = null;
  #fence = 0;
  /** Lets the next `apply` fail when half of its batches are in. */
  interruptApply = false;
  readonly #staged = new Map<number, { readonly checkpoint: Checkpoint; readonly batches: readonly SeenBatch[] }>();
  #stages = 0;
  #halfApplied: number | null = null;

  /** The last one committed; null before, and for sinks whose checkpoint is in the store. */
  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }

  /** What was staged and not applied yet. */
  get staged(): number {
    return this.#staged.size;
  }

  get content(): TableContent {
    const rows = ({ rows: kept }: KeptTable): [string, Cells][] =>
      Array.from(kept).flatMap(([key, { cells }]) => (cells === null ? [] : [[key, cells]]));
    return contentOf(new Map(Array.from(this.#tables, ([name, table]) => [name, new Map(rows(table))])));
  }

  rows(table: Table): Cells[] {
    const kept = this.#tables.get(tableName(table))?.rows.values() ?? [];
    return Array.from(kept).flatMap(({ cells }) => (cells === null ? [] : [cells]));
  }

  /** Takes the fence: whoever had it can change nothing any more (invariant 5). */
  takeFence(): number {
    return ++this.#fence;
  }

  /** Rows and checkpoint at once, or nothing. @throws WeirError WEIR_DUCKDB_FENCED, WEIR_SDK_USE */
  commit(fence: number, batches: readonly SeenBatch[], checkpoint: Checkpoint): void {
    this.#assertFence(fence);
    this.#tables = applied(this.#tables, batches);
    this.#checkpoint = checkpoint;
    this.onCommit?.(checkpoint);
  }

  /** Keeps batches aside, to be applied by number. */
  stage(fence: number, batches: readonly SeenBatch[], checkpoint: Checkpoint): number {
    this.#assertFence(fence);
    this.#staged.set(++this.#stages, { checkpoint, batches });
    return this.#stages;
  }

  /** Applies what was staged under a number, or the rest of it; once more changes nothing. What was begun is ended first. */
  apply(fence: number, stage: number): void {
    this.#assertFence(fence);
    const staged = this.#staged.get(stage);
    if (staged === undefined) return;
    if (this.#halfApplied !== null && this.#halfApplied !== stage) {
      throw new WeirError('WEIR_SDK_USE', `stage ${stage} is applied, but ${this.#halfApplied} is in by half`);
    }
    if (this.interruptApply) this.#interrupt(stage, staged.batches, staged.checkpoint);
    this.commit(fence, staged.batches, staged.checkpoint);
    this.#halfApplied = null;
    for (const older of this.#staged.keys()) if (older <= stage) this.#staged.delete(older);
  }

  #interrupt(stage: number, batches: readonly SeenBatch[], checkpoint: Checkpoint): never {
    this.interruptApply = false;
    const half = Math.ceil(batches.length / 2);
    this.#tables = applied(this.#tables, batches.slice(0, half));
    this.#staged.set(stage, { checkpoint, batches: batches.slice(half) });
    this.#halfApplied = stage;
    throw new WeirError('WEIR_INTERNAL', `scripted: stage ${stage} is in by half`);
  }

  /** Applies rows at once, each unless a newer version of its key is there: a replay changes nothing in the end. */
  upsert(fence: number, batch: SeenBatch): void {
    this.#assertFence(fence);
    for (const { table, change } of batch.schemaChanges) if (change === 'create') this.#tables.delete(tableName(table));
    for (const row of batch.rows) {
      if (row.op !== Op.message) upsertRow(keptTable(this.#tables, row.table), tableOf(batch, row), row);
    }
  }

  #assertFence(fence: number): void {
    if (fence !== this.#fence) throw new WeirError('WEIR_DUCKDB_FENCED', 'another session has taken the fence');
  }
}

function keptTable(tables: Map<string, KeptTable>, name: string): KeptTable {
  let table = tables.get(name);
  if (table === undefined) tables.set(name, (table = { rows: new Map(), last: '' }));
  return table;
}

function tableOf(batch: SeenBatch, row: SeenRow): Table {
  return batch.tables.find((table) => tableName(table) === row.table)!;
}

/** The tables after these batches; strict, so that a row that comes twice, out of order or not at all is an error. */
function applied(before: ReadonlyMap<string, KeptTable>, batches: readonly SeenBatch[]): Map<string, KeptTable> {
  const tables = new Map(Array.from(before, ([name, { rows, last }]) => [name, { rows: new Map(rows), last }]));
  for (const batch of batches) {
    for (const { table, change } of batch.schemaChanges) {
      if (change === 'create') tables.set(tableName(table), { rows: new Map(), last: '' });
      if (change === 'drop-table') tables.delete(tableName(table));
    }
    for (const row of batch.rows) {
      if (row.op === Op.message) continue;
      const kept = keptTable(tables, row.table);
      if (batch.chunk === null) assertFollows(kept, row);
      applyRow(kept.rows, tableOf(batch, row), row);
    }
  }
  return tables;
}

/** Streamed rows of a table come in the order of commit and ordinal, each once (invariant 2). */
function assertFollows(kept: KeptTable, row: SeenRow): void {
  const place = `${row.position} ${String(row.ordinal).padStart(10, '0')}`;
  if (place <= kept.last) refuse(row, `comes after ${kept.last}`);
  kept.last = place;
}

function applyRow(rows: Map<string, KeptRow>, table: Table, row: SeenRow): void {
  if (row.op === Op.truncate) {
    rows.clear();
    return;
  }
  const oldKey = keyOf(table, (row.before ?? row.after)!);
  const old = rows.get(oldKey)?.cells ?? null;
  const isNew = row.op === Op.insert || row.op === Op.read;
  if (isNew && old !== null) refuse(row, `brings key ${oldKey} a second time`);
  if (!isNew && old === null) refuse(row, `is about key ${oldKey}, which is not there`);
  rows.delete(oldKey);
  if (row.op === Op.delete) return;
  const cells = filled(row, old);
  const key = keyOf(table, cells);
  if (rows.has(key)) refuse(row, `makes key ${key}, which is there`);
  rows.set(key, { cells, version: row.version });
}

function upsertRow(kept: KeptTable, table: Table, row: SeenRow): void {
  const { rows } = kept;
  const { version } = row;
  const isNewer = (key: string): boolean => (rows.get(key)?.version ?? -1n) <= version;
  if (row.op === Op.truncate) {
    for (const key of rows.keys()) if (isNewer(key)) rows.set(key, { cells: null, version });
    return;
  }
  const oldKey = keyOf(table, (row.before ?? row.after)!);
  const old = rows.get(oldKey)?.cells ?? null;
  if (row.before !== null && isNewer(oldKey)) rows.set(oldKey, { cells: null, version });
  if (row.op === Op.delete || row.after === null) return;
  const key = keyOf(table, row.after);
  if (isNewer(key)) rows.set(key, { cells: filled(row, old), version });
}

/** The row's new cells; what did not change is the old row's. */
function filled(row: SeenRow, old: Cells | null): SeenCell[] {
  return row.after!.map((cell, column) => {
    if (cell !== unchanged) return cell;
    if (old === null) refuse(row, 'leaves a cell of a new row unchanged');
    return old[column]!;
  });
}

const opNames = new Map<Op, string>(Object.entries(Op).map(([name, op]) => [op, name]));

/** When everything arrives once and in order no row is refused, so it is the engine's fault, or the source's. */
function refuse(row: SeenRow, what: string): never {
  const place = `${row.position}, ordinal ${row.ordinal}`;
  throw new WeirError('WEIR_SDK_USE', `${opNames.get(row.op)} of ${row.table} at ${place} ${what}`);
}
