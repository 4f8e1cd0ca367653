import { StatementType, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import { WeirError, type QueryResult } from '@weir/sdk';
import { messageOf } from './duckdb-error.ts';

/**
 * Answers a person's query. It runs in a read-only transaction, and only a SELECT (or SHOW, DESCRIBE, SUMMARIZE, FROM,
 * which DuckDB counts as one) or an EXPLAIN is let through.
 * @throws WeirError WEIR_API_REQUEST with DuckDB's message
 */
export async function answerQuery(
  connection: DuckDBConnection,
  sql: string,
  limit: number,
  signal: AbortSignal,
): Promise<QueryResult> {
  const interrupt = (): void => connection.interrupt();
  signal.addEventListener('abort', interrupt);
  try {
    signal.throwIfAborted();
    const columns = await namesOf(connection, sql);
    await connection.run('BEGIN TRANSACTION READ ONLY');
    try {
      return await read(connection, await asText(connection, sql), columns, limit);
    } finally {
      await connection.run('ROLLBACK');
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof WeirError ? error : new WeirError('WEIR_API_REQUEST', messageOf(error));
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

/** The columns of the answer. @throws WeirError when the text is not one statement that reads */
async function namesOf(connection: DuckDBConnection, sql: string): Promise<string[]> {
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw new WeirError('WEIR_API_REQUEST', 'give one statement at a time');
  const statement = await statements.prepare(0);
  try {
    const reads = statement.statementType === StatementType.SELECT || statement.statementType === StatementType.EXPLAIN;
    if (!reads)
      throw new WeirError('WEIR_API_REQUEST', 'only statements that read are answered: SELECT, SHOW, DESCRIBE, EXPLAIN');
    return Array.from({ length: statement.columnCount }, (_, index) => statement.columnName(index));
  } finally {
    statement.destroySync();
  }
}

/** The statement with every value as DuckDB's own text, where it can stand in a FROM. */
async function asText(connection: DuckDBConnection, sql: string): Promise<string> {
  const wrapped = `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${sql.replace(/[\s;]+$/, '')}\n) AS answer`;
  try {
    const statement = await connection.prepare(wrapped);
    statement.destroySync();
    return wrapped;
  } catch {
    return sql;
  }
}

async function read(connection: DuckDBConnection, sql: string, columns: string[], limit: number): Promise<QueryResult> {
  const result = await connection.stream(sql);
  const rows: (string | null)[][] = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return { columns, rows, truncated: false };
    for (const row of chunk.getRows()) {
      if (rows.length === limit) return { columns, rows, truncated: true };
      rows.push(row.map(textOf));
    }
  }
}

function textOf(value: DuckDBValue): string | null {
  return value === null ? null : String(value);
}
