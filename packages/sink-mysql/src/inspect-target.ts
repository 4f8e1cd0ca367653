import { literal, type QualifiedName } from './sql-text.ts';
import type { Answer } from './transaction.ts';

/** A column of a table at the sink. */
export interface TargetColumn {
  /** Its name once everything that this commit does to the table is done. */
  readonly name: string;
  /** Its name until then: see `TargetShapes`. */
  readonly physical: string;
  /** As `ColumnType.sql` has it. */
  readonly type: string;
  readonly notNull: boolean;
  /** It has a default or counts by itself, so that a row may come without it. */
  readonly filled: boolean;
  /** It is computed, so that no row may come with it. */
  readonly generated: boolean;
}

/** A unique index. */
export interface TargetIndex {
  readonly name: string;
  readonly primary: boolean;
  /** Null for an index on expressions, or on the beginning of a column. */
  readonly columns: readonly string[] | null;
}

/** What a table at the sink is like now. */
export interface TargetTable {
  /** Where its rows are now: for as long as a commit is not through another table than the target. */
  readonly place: QualifiedName;
  /** What Weir writes is a table of InnoDB; a view, say, is none. */
  readonly isTable: boolean;
  readonly engine: string | null;
  /** An estimate. */
  readonly rows: number;
  /** Without the row number that tables without a key have. */
  readonly columns: readonly TargetColumn[];
  /** It has the row number. */
  readonly numbered: boolean;
  readonly indexes: readonly TargetIndex[];
}

/** Runs a query. */
export type Ask = (sql: string) => Promise<Answer>;

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
    engine: table[1] ?? null,
    rows: Number(table[2] ?? 0),
    columns: all.filter(({ name }) => name !== ROW_NUMBER),
    numbered: all.some(({ name }) => name === ROW_NUMBER),
    indexes: indexesOf(indexes.rows),
  };
}

function columnOf(row: readonly (string | null)[]): TargetColumn {
  const [name, type, collation, nullable, value, extra, expression] = row;
  const filled = (value !== null && value !== 'NULL') || /auto_increment|DEFAULT_GENERATED/i.test(extra!);
  return {
    name: name!,
    physical: name!,
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
