import { nameText, type Ask, type Finding, type QualifiedName, type TargetColumn, type TargetIndex, type TargetTable as SqlTable } from '@weir/sql-sink';
import { literal, qualified } from './sql-text.ts';

/** What a table at the sink is like now. What Weir writes is a table of InnoDB. */
export interface TargetTable extends SqlTable {
  readonly place: QualifiedName;
  /** Not a view, say. */
  readonly isTable: boolean;
  /** An estimate. */
  readonly rows: number;
  /** It has the row number, which is not among the columns. */
  readonly numbered: boolean;
}

/**
 * What tells rows of a table without a key apart, and orders those of a history: a column that `SELECT *` does not show. Without
 * it the server has no way to delete one of two equal rows, and every table has a primary key, as some servers ask.
 */
export const ROW_NUMBER = '_weir_row';

/** Looks at a table. @returns null when there is none of that name, of whatever kind */
export async function inspectTarget(ask: Ask, target: QualifiedName): Promise<TargetTable | null> {
  const where = `table_schema = ${literal(target.schema)} AND table_name = ${literal(target.table)}`;
  const [table] = (await ask(`SELECT table_type, engine, table_rows FROM information_schema.tables WHERE ${where}`)).rows;
  if (table === undefined) return null;
  const columns = await ask(
    `SELECT column_name, column_type, collation_name, is_nullable, column_default, extra, generation_expression
      FROM information_schema.columns WHERE ${where} ORDER BY ordinal_position`,
  );
  const indexes = await ask(
    `SELECT index_name, column_name, sub_part FROM information_schema.statistics WHERE ${where} AND non_unique = 0
      ORDER BY index_name, seq_in_index`,
  );
  const all = columns.rows.map(columnOf);
  return {
    place: target,
    isTable: table[0] === 'BASE TABLE' && table[1] === 'InnoDB',
    ...(table[1] == null || table[1] === 'InnoDB' ? {} : { unfit: otherEngine(target, table[1]) }),
    rows: Number(table[2] ?? 0),
    columns: all.filter(({ name }) => name !== ROW_NUMBER),
    numbered: all.some(({ name }) => name === ROW_NUMBER),
    indexes: indexesOf(indexes.rows),
  };
}

/** No other engine undoes what was not committed. */
function otherEngine(target: QualifiedName, engine: string): Finding {
  const fix = `ALTER TABLE ${qualified(target)} ENGINE = InnoDB;`;
  return { code: 'WEIR_MYSQL_ENGINE', message: `${nameText(target)} is in ${engine}, not in InnoDB`, fix };
}

function columnOf(row: readonly (string | null)[]): TargetColumn {
  const [name, type, collation, nullable, value, extra, expression] = row;
  const filled = (value !== null && value !== 'NULL') || /auto_increment|DEFAULT_GENERATED/i.test(extra!);
  return {
    name: name!,
    type: typeText(type!, collation ?? null),
    notNull: nullable === 'NO',
    filled,
    generated: (expression ?? '') !== '' || extra!.endsWith(' GENERATED'),
  };
}

/** Without display widths, which MariaDB still prints and MySQL does not; `tinyint(1)` is how both say boolean. */
function typeText(type: string, collation: string | null): string {
  const plain = /^tinyint\(1\)$/.test(type) ? type : type.replace(/^((?:tiny|small|medium|big)?int)\(\d+\)/, '$1');
  return collation === null ? plain : `${plain} collate ${collation}`;
}

function indexesOf(rows: readonly (readonly (string | null)[])[]): TargetIndex[] {
  const found = new Map<string, (string | null)[]>();
  for (const [index, column, part] of rows) {
    const columns = found.get(index!) ?? [];
    columns.push(part === null ? (column ?? null) : null);
    found.set(index!, columns);
  }
  const indexes = [...found].map(([name, columns]) => ({
    name,
    primary: name === 'PRIMARY',
    columns: columns.includes(null) ? null : (columns as string[]),
  }));
  return indexes.filter(({ columns }) => columns?.length !== 1 || columns[0] !== ROW_NUMBER);
}
