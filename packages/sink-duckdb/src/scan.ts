import duckdb from '@duckdb/node-bindings';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import { BatchWriter, Op, WeirError, softDeleteColumn, tableName, type Batch, type Table } from '@weir/sdk';
import { ColumnReader, type ScannedColumn } from './decode.ts';
import { writeError } from './duckdb-error.ts';
import { heldAs } from './layout.ts';
import { RowText } from './row-text.ts';
import { marksDeletes, type SinkRules } from './sink-rules.ts';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';

/** What is read, and as what the sink wrote it. */
export interface ScanSource {
  readonly target: QualifiedName;
  readonly rules: SinkRules;
  /** Which rows, of the table as `t`; all of them unless told. */
  readonly condition?: string;
}

/**
 * The columns that a table names, of all rows that are there, as `read` rows with canonical cells, a batch at a time. Rows
 * that are marked as deleted are there only for who names `_weir_deleted_at`. DuckDB streams its answer, so memory is
 * bounded whatever the table's size.
 * @throws WeirError WEIR_DUCKDB_QUERY when there is no such table or column, WEIR_SINK_COLUMN_TYPE when a type differs
 */
export async function* scanTable(
  connection: DuckDBConnection,
  table: Table,
  { target, rules, condition }: ScanSource,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const names = table.columns.map((column) => column.name);
  const doing = `reading ${target.schema}.${target.table}`;
  const mark = softDeleteColumn.name;
  const isThere = marksDeletes(rules) && !names.includes(mark) ? [`t.${identifier(mark)} IS NULL`] : [];
  const where = ['true', ...isThere, ...(condition === undefined ? [] : [condition])].join(' AND ');
  const result = await connection
    .stream(`SELECT ${names.map((name) => `t.${identifier(name)}`).join(', ')} FROM ${qualified(target)} AS t WHERE ${where}`)
    .catch((error: unknown) => {
      throw writeError(error, doing);
    });
  const columns = table.columns.map((column, index): ScannedColumn => {
    const found = nameOfType(result.columnType(index));
    const type = heldAs(column.type, found, rules);
    if (type !== null) return { storage: type.storage, isDecimal: column.type.kind === 'decimal' };
    throw new WeirError('WEIR_SINK_COLUMN_TYPE', `${tableName(table)}.${column.name} is ${found} in DuckDB`, {
      table: tableName(table),
    });
  });
  const reader = new ChunkReader(table, columns);
  for (;;) {
    signal.throwIfAborted();
    const chunk = await result.fetchChunk().catch((error: unknown) => {
      throw writeError(error, doing);
    });
    if (chunk === null || chunk.rowCount === 0) break;
    yield* reader.read(chunk);
  }
  yield* reader.end();
}

function nameOfType(type: DuckDBType): string {
  return type.alias ?? String(type);
}

class ChunkReader {
  readonly #table: Table;
  readonly #columns: readonly ScannedColumn[];
  readonly #writer = new BatchWriter();
  readonly #row = new RowText();

  constructor(table: Table, columns: readonly ScannedColumn[]) {
    this.#table = table;
    this.#columns = columns;
  }

  *read(chunk: DuckDBDataChunk): Generator<Batch> {
    const rows = chunk.rowCount;
    const readers = this.#columns.map(
      (column, index) => new ColumnReader(duckdb.data_chunk_get_vector(chunk.chunk, index), column, rows),
    );
    for (let row = 0; row < rows; row++) {
      this.#begin(row);
      for (const reader of readers) reader.read(row, this.#row);
      this.#row.moveTo(this.#writer);
      if (this.#writer.isFull()) yield this.#writer.close(null);
    }
  }

  *end(): Generator<Batch> {
    if (this.#writer.rows > 0) yield this.#writer.close(null);
  }

  #begin(row: number): void {
    const writer = this.#writer;
    if (writer.rows === 0) writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
    writer.beginRow(Op.read, writer.tableIndex(this.#table), 0, row + 1);
    writer.beginAfter();
  }
}
