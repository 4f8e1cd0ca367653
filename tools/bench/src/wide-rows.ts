import type { Load } from './backlog.ts';

/** Type and value of a column, of row `i` in version `v`; a table has them over and over. */
const kinds: readonly { readonly type: string; readonly value: (column: number) => string }[] = [
  { type: 'int', value: (column) => `(i * ${column} + v) % 100000` },
  { type: 'text', value: (column) => `'text ' || (i + v) % 997 || ' of column ${column}'` },
  { type: 'numeric(14, 4)', value: (column) => `((i + v) % 5000 + ${column}) / 7.0` },
  { type: 'timestamptz', value: () => `timestamptz '2025-03-01 12:34:56.789+00' + (i + v) % 100000 * interval '1 minute'` },
  { type: 'jsonb', value: (column) => `jsonb_build_object('row', i, 'version', v, 'column', ${column})` },
  { type: 'bigint', value: (column) => `i::bigint * 1000003 + v + ${column}` },
  { type: 'boolean', value: (column) => `(i + v + ${column}) % 3 = 0` },
];
/** Beside the key and the large text. */
const COLUMNS = 58;
/** Characters of the large text; from about 2,000 on it is kept apart from its row. */
const LARGE = 4000;
const TRANSACTIONS = 100;

const columns = Array.from({ length: COLUMNS }, (_, index) => ({ name: `c${index + 1}`, ...kinds[index % kinds.length]! }));

/**
 * Rows of 60 columns, in a hundred transactions: first each row is inserted, then each is updated in all columns but the
 * key and a large text. That one is TOASTed, so the server does not send it again.
 * @param rows that are changed: half of them inserts
 */
export function wideRows(rows: number): Load {
  const each = Math.ceil(rows / TRANSACTIONS);
  const half = TRANSACTIONS / 2;
  const values = (version: number): string[] =>
    columns.map(({ value }, index) => value(index + 1).replaceAll(/\bv\b/g, String(version)));
  const inserts = Array.from({ length: half }, (_, number) => {
    const from = `generate_series(${number * each + 1}, ${(number + 1) * each}) i`;
    return `INSERT INTO wide SELECT i, ${values(0).join(', ')}, repeat(md5(i::text), ${LARGE / 32}) FROM ${from}`;
  });
  const updates = Array.from({ length: half }, (_, number) => {
    const set = values(1).map((value, index) => `${columns[index]!.name} = ${value.replaceAll(/\bi\b/g, 'id')}`);
    return `UPDATE wide SET ${set.join(', ')} WHERE id BETWEEN ${number * each + 1} AND ${(number + 1) * each}`;
  });
  const definitions = columns.map(({ name, type }) => `${name} ${type}`);
  return {
    // Compressed, the text would be small enough to stay in its row.
    create: `CREATE TABLE wide (id bigint PRIMARY KEY, ${definitions.join(', ')}, body text);
      ALTER TABLE wide ALTER COLUMN body SET STORAGE EXTERNAL`,
    transactions: [...inserts, ...updates],
    rows: each * TRANSACTIONS,
    table: 'wide',
    kept: each * half,
  };
}
