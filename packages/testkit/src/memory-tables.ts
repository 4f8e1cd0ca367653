import {
  Op,
  WeirError,
  tableName,
  targetName,
  type SchemaChange,
  type Shard,
  type SinkOptions,
  type Table,
} from '@weir/sdk';
import { HistoryTable } from './memory-history.ts';
import { MirrorTable, refuse } from './memory-mirror.ts';
import { copiedRange } from './memory-range.ts';
import type { SeenBatch, SeenRow } from './seen-batch.ts';
import type { Cells } from './table-content.ts';

/** How many changes of each table a session has brought in the transaction that it is in. */
export class SeenChanges {
  readonly #seen = new Map<string, { readonly version: bigint; readonly changes: number }>();

  /** Counts one more. @returns how many they are now */
  count(table: Table, version: bigint): number {
    const changes = this.of(table, version) + 1;
    this.#seen.set(tableName(table), { version, changes });
    return changes;
  }

  of(table: Table, version: bigint): number {
    const seen = this.#seen.get(tableName(table));
    return seen?.version === version ? seen.changes : 0;
  }
}

/** Who writes to the tables of a memory target, and how. */
export interface TableWriter {
  readonly shard: Shard;
  readonly options: SinkOptions;
}

interface OwnedTable {
  readonly pipeline: string;
  readonly sink: string;
  /** `namespace.name` at the source. */
  readonly source: string;
  readonly kept: MirrorTable | HistoryTable;
}

/** The tables of a memory target by their names there, each made for one table of one pipeline's sink. */
export class MemoryTables {
  readonly #tables = new Map<string, OwnedTable>();

  /** The same tables, which can be changed while these stay as they are. */
  clone(): MemoryTables {
    const copy = new MemoryTables();
    for (const [name, table] of this.#tables) copy.#tables.set(name, { ...table, kept: table.kept.clone() });
    return copy;
  }

  /** The rows of every table, with the columns that were not dropped. */
  mirrors(): Map<string, Cells[]> {
    const mirrors = new Map<string, Cells[]>();
    for (const [name, { kept }] of this.#tables) if (kept instanceof MirrorTable) mirrors.set(name, kept.cells());
    return mirrors;
  }

  rows(table: Table, options: SinkOptions): Cells[] {
    return this.#tables.get(nameAt(table, options))?.kept.cells(table) ?? [];
  }

  /** A table with those of its columns that its mirror has. */
  known(table: Table, options: SinkOptions): Table {
    const kept = this.#tables.get(nameAt(table, options))?.kept;
    return kept instanceof MirrorTable ? { ...table, columns: table.columns.filter(({ name }) => kept.has(name)), key: [] } : table;
  }

  /** Whether a table is there and this writer's own, or whose it is. */
  owner(table: Table, writer: TableWriter): 'none' | 'writer' | 'another' | 'another of the writer' {
    const known = this.#tables.get(nameAt(table, writer.options));
    if (known === undefined) return 'none';
    const { pipeline, sink } = writer.shard;
    if (known.pipeline !== pipeline || known.sink !== sink) return 'another';
    return known.source === tableName(table) ? 'writer' : 'another of the writer';
  }

  /** Applies a batch, each row once and in order. */
  apply(batch: SeenBatch, writer: TableWriter): void {
    for (const change of batch.schemaChanges) this.change(change, batch, writer);
    this.#clearRange(batch, writer);
    for (const row of batch.rows) {
      if (row.op === Op.message) continue;
      const table = tableOf(batch, row);
      const kept = this.#own(table, writer);
      if (batch.chunk === null) assertFollows(kept, row);
      if (kept instanceof MirrorTable) kept.apply(row, table, writer.options, batch.chunk !== null);
      else kept.add(row, table);
    }
  }

  /**
   * Applies a batch to mirrors that take everything any number of times.
   * @param seen the changes of tables that the writer's session has brought
   */
  upsert(batch: SeenBatch, writer: TableWriter, seen: SeenChanges): void {
    const version = batch.commits[0]?.version ?? null;
    for (const change of batch.schemaChanges) {
      const startsTable = change.change === 'create' || change.change === 'drop-table';
      if (startsTable || version === null) {
        this.change(change, batch, writer);
        continue;
      }
      const kept = this.#own(change.table, writer);
      const place = { version, changes: seen.count(change.table, version) };
      if (kept instanceof MirrorTable) kept.changeOnce(change, writer.options, place);
    }
    if (version !== null) this.#clearRange(batch, writer, version);
    else this.#clearRange(batch, writer);
    for (const row of batch.rows) {
      if (row.op === Op.message) continue;
      const table = tableOf(batch, row);
      const kept = this.#own(table, writer);
      if (!(kept instanceof MirrorTable) || kept.isBehindShape(row.version, seen.of(table, row.version))) continue;
      kept.upsert(row, table, writer.options);
    }
  }

  /** Mirrors forget which keys are gone. */
  forgetTombstones(): void {
    for (const { kept } of this.#tables.values()) if (kept instanceof MirrorTable) kept.forgetTombstones();
  }

  change(change: SchemaChange, batch: SeenBatch, writer: TableWriter): void {
    const { table } = change;
    const appends = writer.options.mode === 'append';
    if (change.change === 'create') {
      const known = this.#known(table, writer);
      if (known instanceof HistoryTable && (change.reason ?? 'first') !== 'first') known.startOver(batch);
      else this.#make(table, writer);
    } else if (change.change === 'drop-table') {
      if (!appends && this.#known(table, writer) !== null) this.#tables.delete(nameAt(table, writer.options));
    } else {
      const kept = this.#own(table, writer);
      if (kept instanceof MirrorTable) kept.change(change, writer.options);
      else kept.change(change);
    }
  }

  /** A mirror loses the rows of a range before those of its batch come. @param version newer rows than this stay */
  #clearRange({ chunk, tables, rows, commits }: SeenBatch, writer: TableWriter, version?: bigint): void {
    if (chunk?.range == null) return;
    const table = tables.find((other) => tableName(other) === chunk.table)!;
    const copied = copiedRange(table, chunk.range);
    for (const row of rows) if (!copied.holds(row.after!)) refuse(row, 'is not in the range that it came with');
    const kept = this.#own(table, writer);
    if (kept instanceof MirrorTable) kept.clearRange(copied, commits[0]?.time ?? 0, writer.options, version);
  }

  /** Of a source that streams from its first transaction on no `create` comes. */
  #own(table: Table, writer: TableWriter): MirrorTable | HistoryTable {
    return this.#known(table, writer) ?? this.#make(table, writer);
  }

  /** @throws WeirError WEIR_DUCKDB_TABLE_EXISTS, WEIR_SINK_NAME_COLLISION */
  #known(table: Table, writer: TableWriter): MirrorTable | HistoryTable | null {
    const owner = this.owner(table, writer);
    const name = tableName(table);
    const target = nameAt(table, writer.options);
    if (owner === 'another') {
      throw new WeirError('WEIR_DUCKDB_TABLE_EXISTS', `${target} is not for ${name}`, { table: name });
    }
    if (owner === 'another of the writer') {
      throw new WeirError('WEIR_SINK_NAME_COLLISION', `${target} is for another table than ${name}`, { table: name });
    }
    return this.#tables.get(target)?.kept ?? null;
  }

  #make(table: Table, { shard, options }: TableWriter): MirrorTable | HistoryTable {
    const source = tableName(table);
    const appends = options.mode === 'append';
    if (table.insertsOnly === true && !appends) {
      throw new WeirError('WEIR_SINK_INSERTS_ONLY', `${source} brings inserts only`, { table: source });
    }
    const kept = appends ? new HistoryTable() : new MirrorTable(table);
    this.#tables.set(nameAt(table, options), { pipeline: shard.pipeline, sink: shard.sink, source, kept });
    return kept;
  }
}

/** `schema.table` at the target. */
export function nameAt(table: Table, { target }: SinkOptions): string {
  const { schema, table: name } = targetName(table, target);
  return `${schema}.${name}`;
}

/** A batch has one version of each table. */
export function tableOf(batch: SeenBatch, row: SeenRow): Table {
  return batch.tables.find((table) => tableName(table) === row.table)!;
}

/** Streamed rows of a table come in the order of commit and ordinal, each once (invariant 2). */
function assertFollows(kept: MirrorTable | HistoryTable, row: SeenRow): void {
  const place = `${row.position} ${String(row.ordinal).padStart(10, '0')}`;
  if (place <= kept.last) refuse(row, `comes after ${kept.last}`);
  kept.last = place;
}
