import duckdb from '@duckdb/node-bindings';
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { BatchWriter, Op, WeirError, tableName, type Batch, type Table } from '@weir/sdk';
import { ColumnReader } from './decode.ts';
import { writeError } from './duckdb-error.ts';
import { identifier, qualified, type QualifiedName } from './sql-text.ts';
import { columnType } from './types.ts';
import { RowText } from './row-text.ts';

/**
 * All rows of a mirrored table as `read` rows with canonical cells, a batch at a time. DuckDB streams its answer, so memory
 * is bounded whatever the table's size.
 * @throws WeirError WEIR_DUCKDB_QUERY when there is no such table, WEIR_DUCKDB_SCHEMA_CHANGE when its columns differ
 */
export async function* scanTable(
  connection: DuckDBConnection,
  table: Table,
  target: QualifiedName,
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const columns = table.columns.map((column) => identifier(column.name)).join(', ');
  const doing = `reading ${target.schema}.${target.table}`;
  const result = await connection.stream(`SELECT ${columns} FROM ${qualified(target)}`).catch((error: unknown) => {
    throw writeError(error, doing);
  });
  table.columns.forEach((column, index) => {
    const found = String(result.columnType(index));
    if (found === columnType(column.type).sql || columnType(column.type).sql === 'JSON') return;
    throw new WeirError(
      'WEIR_DUCKDB_SCHEMA_CHANGE',
      `${tableName(table)}.${column.name} is ${found} in DuckDB, ${columnType(column.type).sql} was expected`,
    );
  });
  const reader = new ChunkReader(table);
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

class ChunkReader {
  readonly #table: Table;
  readonly #writer = new BatchWriter();
  readonly #row = new RowText();

  constructor(table: Table) {
    this.#table = table;
  }

  *read(chunk: DuckDBDataChunk): Generator<Batch> {
    const rows = chunk.rowCount;
    const readers = this.#table.columns.map(
      (column, index) =>
        new ColumnReader(duckdb.data_chunk_get_vector(chunk.chunk, index), columnType(column.type).storage, rows),
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
