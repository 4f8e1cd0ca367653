import { WeirError, type QueryResult } from '@weir/sdk';
import pg from 'pg';

/** A person's query that takes longer is ended by the server. */
const TIMEOUT = '60s';
/** Statements that a cursor can stand for, and those whose answer is short. */
const SELECTS = /^\s*(?:--[^\n]*\n\s*)*(?:\(\s*)*(?:select|values|table|with)\b/i;
const SHOWS = /^\s*(?:show|explain)\b/i;

const asText = { getTypeParser: () => (text: string) => text } as pg.CustomTypesConfig;

/**
 * Answers a person's query in a read-only transaction, of which at most a row more than the limit is fetched. One statement,
 * and one that reads: SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN.
 * @throws WeirError WEIR_API_REQUEST with the server's message
 */
export async function answerQuery(client: pg.Client, sql: string, limit: number): Promise<QueryResult> {
  const text = sql.replace(/[\s;]+$/, '');
  if (text.includes('\0') || (!SELECTS.test(text) && !SHOWS.test(text))) {
    const allowed = 'SELECT, WITH, VALUES, TABLE, SHOW, EXPLAIN';
    throw new WeirError('WEIR_API_REQUEST', `only one statement that reads is answered: ${allowed}`);
  }
  try {
    await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = '${TIMEOUT}'`);
    if (SHOWS.test(text)) return limited(await read(client, text), limit);
    await run(client, `DECLARE weir_answer NO SCROLL CURSOR FOR ${text}`);
    return limited(await read(client, `FETCH FORWARD ${Math.trunc(limit) + 1} FROM weir_answer`), limit);
  } catch (error) {
    if (error instanceof pg.DatabaseError) throw new WeirError('WEIR_API_REQUEST', error.message);
    throw error;
  }
}

/** In the extended protocol, where a text is one statement or refused. */
async function run(client: pg.Client, text: string): Promise<pg.QueryArrayResult<(string | null)[]>> {
  const query = { text, rowMode: 'array' as const, types: asText, queryMode: 'extended' };
  return await client.query<(string | null)[]>(query);
}

async function read(client: pg.Client, text: string): Promise<QueryResult> {
  const { fields, rows } = await run(client, text);
  return { columns: fields.map(({ name }) => name), rows, truncated: false };
}

function limited({ columns, rows }: QueryResult, limit: number): QueryResult {
  return { columns, rows: rows.slice(0, limit), truncated: rows.length > limit };
}
