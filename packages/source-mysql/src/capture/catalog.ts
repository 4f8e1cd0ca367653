import { query, quoteLiteral, type MysqlClient } from '@weir/mysql';
import { isChosen, parsePattern, type TableName } from '@weir/sdk';

/** A column as the server's catalog has it. */
export interface CatalogColumn {
  readonly name: string;
  /** COLUMN_TYPE; `json` for the LONGTEXT of MariaDB whose CHECK keeps it JSON. */
  readonly type: string;
  readonly nullable: boolean;
  /** Null where it has no characters. */
  readonly charset: string | null;
  readonly collation: string | null;
  /** Its values come from an expression. */
  readonly isGenerated: boolean;
  /** SELECT * leaves it out; it is logged and captured like any other. */
  readonly isInvisible: boolean;
}

/** A table as the server's catalog has it. */
export interface CatalogTable extends TableName {
  readonly kind: 'table' | 'view' | 'system versioned' | 'sequence' | 'other';
  /** Null for a view. */
  readonly engine: string | null;
  /** The server's guess. */
  readonly estimatedRows: number;
  /** All of them, in the order of the log. */
  readonly columns: readonly CatalogColumn[];
  /**
   * Indexes into `columns` of the primary key, else of the unique index without NULLs and prefixes that has the fewest columns
   * and then the first name; empty when there is none.
   */
  readonly key: readonly number[];
}

/** What nobody means by `*.*`. */
const SYSTEM_SCHEMAS = ['information_schema', 'mysql', 'performance_schema', 'sys'];

/**
 * The tables that patterns choose, as they are now, in the order of their names. Only what the user has some right to is there.
 * @throws WeirError, see `serverError`
 */
export async function readCatalog(client: MysqlClient, patterns: readonly string[]): Promise<CatalogTable[]> {
  const parsed = patterns.map(parsePattern);
  const hidden = `NOT IN (${SYSTEM_SCHEMAS.map(quoteLiteral).join(', ')})`;
  const found = await query(
    client,
    `SELECT table_schema, table_name, table_type, engine, table_rows FROM information_schema.tables WHERE table_schema ${hidden}`,
  );
  const chosen = found
    .map(([namespace, name, type, engine, rows]) => ({ namespace: namespace!, name: name!, type: type!, engine: engine!, rows }))
    .filter((table) => isChosen(table, parsed));
  const schemas = [...new Set(chosen.map(({ namespace }) => namespace))];
  if (schemas.length === 0) return [];
  const within = `table_schema IN (${schemas.map(quoteLiteral).join(', ')})`;
  const columns = await readColumns(client, within);
  const indexes = await readIndexes(client, within);
  return chosen
    .map(({ namespace, name, type, engine, rows }): CatalogTable => {
      const own = columns.get(tableId(namespace, name)) ?? [];
      return {
        namespace,
        name,
        kind: KINDS[type] ?? 'other',
        engine,
        estimatedRows: Number(rows ?? 0),
        columns: own,
        key: chooseKey(indexes.get(tableId(namespace, name)) ?? [], own),
      };
    })
    .sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
}

const KINDS: Readonly<Record<string, CatalogTable['kind']>> = {
  'BASE TABLE': 'table',
  VIEW: 'view',
  'SYSTEM VERSIONED': 'system versioned',
  SEQUENCE: 'sequence',
};

/** A name of a schema and one of a table, as one text that no other two have. */
function tableId(namespace: string, name: string): string {
  return `${namespace}\0${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function readColumns(client: MysqlClient, within: string): Promise<Map<string, CatalogColumn[]>> {
  const rows = await query(
    client,
    'SELECT table_schema, table_name, column_name, column_type, is_nullable, character_set_name, collation_name, generation_expression, extra ' +
      `FROM information_schema.columns WHERE ${within} ORDER BY table_schema, table_name, ordinal_position`,
  );
  const json = await jsonColumns(client, within);
  const tables = new Map<string, CatalogColumn[]>();
  for (const [namespace, table, name, type, nullable, charset, collation, expression, extra] of rows) {
    const id = tableId(namespace!, table!);
    const columns = tables.get(id) ?? [];
    tables.set(id, columns);
    columns.push({
      name: name!,
      type: type === 'longtext' && json.has(tableId(id, name!)) ? 'json' : type!,
      nullable: nullable === 'YES',
      charset: charset ?? null,
      collation: collation ?? null,
      isGenerated: (expression ?? '') !== '',
      isInvisible: /\bINVISIBLE\b/iu.test(extra ?? ''),
    });
  }
  return tables;
}

/** JSON of MariaDB is a LONGTEXT with a CHECK of the column's own. MySQL says the type, and its view has no such column. */
async function jsonColumns(client: MysqlClient, within: string): Promise<Set<string>> {
  const [has] = await query(
    client,
    "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = 'information_schema' AND table_name = 'CHECK_CONSTRAINTS' AND column_name = 'LEVEL'",
  );
  if (has![0] === '0') return new Set();
  const checks = await query(
    client,
    'SELECT constraint_schema, table_name, constraint_name, check_clause FROM information_schema.check_constraints ' +
      `WHERE level = 'Column' AND ${within.replace('table_schema', 'constraint_schema')}`,
  );
  return new Set(
    checks
      .filter(([, , , clause]) => /^\s*json_valid\s*\(/iu.test(clause!))
      .map(([namespace, table, column]) => tableId(tableId(namespace!, table!), column!)),
  );
}

/** A unique index: its columns by name, null for an expression or a part of a column. */
interface UniqueIndex {
  readonly name: string;
  readonly columns: (string | null)[];
}

async function readIndexes(client: MysqlClient, within: string): Promise<Map<string, UniqueIndex[]>> {
  const rows = await query(
    client,
    'SELECT table_schema, table_name, index_name, column_name, sub_part FROM information_schema.statistics ' +
      `WHERE non_unique = 0 AND ${within} ORDER BY table_schema, table_name, index_name, seq_in_index`,
  );
  const tables = new Map<string, UniqueIndex[]>();
  for (const [namespace, table, name, column, part] of rows) {
    const id = tableId(namespace!, table!);
    const indexes = tables.get(id) ?? [];
    tables.set(id, indexes);
    let index = indexes.at(-1);
    if (index?.name !== name!) {
      index = { name: name!, columns: [] };
      indexes.push(index);
    }
    index.columns.push(part === null ? column! : null);
  }
  return tables;
}

function chooseKey(indexes: readonly UniqueIndex[], columns: readonly CatalogColumn[]): number[] {
  const usable = indexes
    .map(({ name, columns: names }) => ({ name, key: names.map((each) => columns.findIndex((column) => column.name === each)) }))
    .filter(({ key }) => key.every((at) => at >= 0 && !columns[at]!.nullable && !columns[at]!.isGenerated));
  const primary = usable.find(({ name }) => name === 'PRIMARY');
  const [best] = usable.toSorted((a, b) => a.key.length - b.key.length || compare(a.name, b.name));
  return (primary ?? best)?.key ?? [];
}
