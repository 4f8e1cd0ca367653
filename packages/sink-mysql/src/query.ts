import { isUtf8 } from 'node:buffer';
import { isServerAnswer, query, serverVersion, type MysqlClient, type Row } from '@weir/mysql';
import { WeirError, type QueryResult } from '@weir/sdk';

/** A person's query that takes longer is ended by the server. */
const TIMEOUT_SECONDS = 60;
/** Statements that read. */
const READS = /^\s*(?:--[^\n]*\n\s*)*(?:\(\s*)*(?:select|values|table|with|show|explain|describe|desc)\b/i;
/** A SELECT that writes a file on the server, or waits for locks. */
const WRITES = /\binto\s+(?:outfile|dumpfile|@)/i;

/**
 * Answers a person's query in a read-only transaction, of which at most a row more than the limit is taken. One statement, and
 * one that reads: SELECT, WITH, VALUES, TABLE, SHOW, EXPLAIN or DESCRIBE. Bytes that are no text are shown as `\x` and digits.
 * @throws WeirError WEIR_API_REQUEST with the server's message
 */
export async function answerQuery(client: MysqlClient, sql: string, limit: number): Promise<QueryResult> {
  const text = sql.replace(/[\s;]+$/, '');
  if (text.includes('\0') || !READS.test(text) || WRITES.test(text)) {
    const allowed = 'SELECT, WITH, VALUES, TABLE, SHOW, EXPLAIN, DESCRIBE';
    throw new WeirError('WEIR_API_REQUEST', `only one statement that reads is answered: ${allowed}`);
  }
  const { flavour } = await serverVersion(client);
  const timeout = flavour === 'mariadb' ? `max_statement_time = ${TIMEOUT_SECONDS}` : `max_execution_time = ${TIMEOUT_SECONDS * 1000}`;
  await query(client, `SET SESSION ${timeout}`);
  await query(client, `SET SESSION sql_select_limit = ${Math.trunc(limit) + 1}`);
  await query(client, 'START TRANSACTION READ ONLY');
  try {
    const { columns, rows } = await client.run(text);
    return { columns, rows: rows.slice(0, limit).map(textOf), truncated: rows.length > limit };
  } catch (error) {
    if (isServerAnswer(error)) throw new WeirError('WEIR_API_REQUEST', error.sqlMessage);
    throw error;
  }
}

function textOf(row: Row): (string | null)[] {
  return row.map((cell) => (cell === null ? null : isUtf8(cell) ? cell.toString() : `\\x${cell.toString('hex')}`));
}
