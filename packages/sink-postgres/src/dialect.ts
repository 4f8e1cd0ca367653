import { tableName, type Table } from '@weir/sdk';
import { extraColumns, isoTime, type Dialect, type Finding, type QualifiedName } from '@weir/sql-sink';
import { columnEncoder } from './column-encoders.ts';
import { inspectTarget } from './inspect-target.ts';
import { keyRangeSql } from './key-range-sql.ts';
import { identifier, qualified, quoting } from './sql-text.ts';
import { PostgresStage } from './stage.ts';
import { columnType, type Encoding } from './types.ts';

/** PostgreSQL cuts longer names (NAMEDATALEN). */
const MAX_NAME_BYTES = 63;
/** Every table has these already. */
const SYSTEM_COLUMNS = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

/** What PostgreSQL has different from other SQL servers. */
export const dialect: Dialect<Encoding> = {
  ...quoting,
  codes: { value: 'WEIR_PG_VALUE', diverged: 'WEIR_PG_DIVERGED', tableExists: 'WEIR_PG_TABLE_EXISTS' },
  // PostgreSQL's own limit is 1600; a staged row has two or three columns more.
  maxColumns: 1597,
  timestampText: (time) => `${isoTime(time)}Z`,
  upsert(key, columns) {
    const changes = columns.map((column) => `${column} = excluded.${column}`);
    return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${changes.join(', ')}`;
  },

  columnType: (_, column) => columnType(column),
  columnEncoder: (_, table, index) => columnEncoder(table, index),
  shapeFindings(table, target, options) {
    const findings = nameFindings(table, target);
    const own = new Set(extraColumns(options).map(({ name }) => name));
    for (const { name } of table.columns) {
      const column = `${tableName(table)}.${name}`;
      if (SYSTEM_COLUMNS.has(name)) findings.push(collision(`${column} is called as a column that every table of PostgreSQL has`));
      if (own.has(name)) findings.push(collision(`${column} is called as a column that Weir adds`));
    }
    return findings;
  },
  retype(target, { name, generated }, sql) {
    const alter = `ALTER TABLE ${qualified(target)} ALTER COLUMN ${identifier(name)}`;
    return generated ? `${alter} DROP EXPRESSION;` : `${alter} TYPE ${sql};`;
  },
  nullable: (target, name) => `ALTER TABLE ${qualified(target)} ALTER COLUMN ${identifier(name)} DROP NOT NULL;`,

  rangeSql: keyRangeSql,
  deleteSql: ({ sql }, where) => `DELETE FROM ${sql} AS t WHERE ${where}`,
  async empty(transaction, { sql, target }, at) {
    // Looked at anew: the server truncates no table that a foreign key points to, and somebody may have made one.
    const found = await inspectTarget((text) => transaction.run(text, at), target);
    await transaction.run(`${found?.referenced === true ? 'DELETE FROM' : 'TRUNCATE'} ${sql}`, at);
  },
  stage: (transaction, layout, number) => new PostgresStage(transaction, layout, number),
};

function nameFindings(table: Table, target: QualifiedName): Finding[] {
  const findings: Finding[] = [];
  const name = tableName(table);
  for (const [what, text] of namesOf(table, target)) {
    const bytes = Buffer.byteLength(text);
    if (bytes <= MAX_NAME_BYTES) continue;
    const message = `${name}: the name of ${what} has ${bytes} bytes, ${MAX_NAME_BYTES} are allowed`;
    findings.push({ code: 'WEIR_SINK_NAME_LENGTH', message });
  }
  if (target.schema.startsWith('pg_') || target.schema === 'information_schema') {
    findings.push(collision(`${name} would land in schema ${target.schema}, which is PostgreSQL’s own`));
  }
  return findings;
}

function collision(message: string): Finding {
  return { code: 'WEIR_SINK_NAME_COLLISION', message };
}

function* namesOf(table: Table, target: QualifiedName): Generator<[what: string, name: string]> {
  yield ['the schema at the sink', target.schema];
  yield ['the table at the sink', target.table];
  for (const { name } of table.columns) yield [`column ${name}`, name];
}
