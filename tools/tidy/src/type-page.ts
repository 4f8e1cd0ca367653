import { mapType, type PgType } from '@weir/postgres';
import { logicalTypeName, type LogicalType } from '@weir/sdk';
import { columnType as duckdbType } from '@weir/sink-duckdb';
import { columnType as mysqlType, TypeRules } from '@weir/sink-mysql';
import { columnType as postgresType } from '@weir/sink-postgres';
import type { Finding } from './finding.ts';
import { typeSections, type PageType, type TypeRow } from './type-rows.ts';
import type { Files } from './workspace-files.ts';

export const TYPE_PAGE = 'docs/types.md';

/** The page is what the mappings of the connectors say. */
export function checkTypePage(files: Files): Finding[] {
  if (files.get(TYPE_PAGE) === renderTypePage()) return [];
  return [{ file: TYPE_PAGE, message: 'is not what the mappings of the connectors say: run `npm run docs`' }];
}

/** `docs/types.md`: what becomes of each type; the types of columns come from the code that gives them. */
export function renderTypePage(): string {
  const sections = typeSections.map(({ title, rows }) =>
    [
      `## ${title}`,
      '',
      '| PostgreSQL | Logical type | Canonical cell | DuckDB sink | PostgreSQL sink | MySQL sink | Note |',
      '|---|---|---|---|---|---|---|',
      ...rows.map(renderRow),
      '',
    ].join('\n'),
  );
  return [...introduction, ...sections, ...limits].join('\n');
}

const introduction = [
  '# Types',
  '',
  '<!-- Made by `npm run docs` from tools/tidy/src/type-rows.ts and the mappings of the connectors; do not edit. -->',
  '',
  'What becomes of a column of PostgreSQL 14 to 18. A cell has one canonical form, which is the same whether the row was copied',
  'or streamed (invariant 9); sinks make their own values of it, and what they hold reads back as the same cell. The contract of',
  'the source tests every type of these tables, and arrays of it, with its edge values on every version; what an extension has,',
  'where the server has the extension.',
  '',
  'Logical types are those of the [SDK](../packages/sdk/src/logical-type.ts). `other` is text as the server prints it.',
  '',
];

const limits = [
  '## What is not carried over',
  '',
  '- An array whose first element is not number 1 (`[2:3]={a,b}`) stops with `WEIR_PG_ARRAY_BOUNDS`: JSON has no place for it.',
  '- Defaults, checks, foreign keys, collations, comments and the rules of domains stay in the source.',
  '- Where a type is `other`, text inside of it is in the server’s own form: a date BC in a range is `0044-03-15 BC`.',
  '- A value that names something (`regclass`, `aclitem`) is printed when it is read. A row that came before a rename has the',
  '  old name until it changes.',
  '',
];

function renderRow(row: TypeRow): string {
  const names = row.types.map(({ name }) => `\`${name}\``).join(', ');
  const columns = row.types.map(columnsOf);
  const cells = [
    row.title ?? names,
    joined(columns.map(({ logical }) => logical)),
    row.cell,
    joined(columns.map(({ duckdb }) => duckdb)),
    columns.every(({ postgres }, i) => postgres === row.types[i]!.name) && columns.length > 1
      ? 'the same'
      : joined(columns.map(({ postgres }) => postgres)),
    joined(columns.map(({ mysql }) => mysql)),
    row.note ?? '',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function joined(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}

/** What the connectors make of a column of a type. */
function columnsOf(type: PageType): { logical: string; duckdb: string; postgres: string; mysql: string } {
  const logical = logicalTypeOf(type);
  const column = { name: 'a', type: logical, nullable: true, sourceType: type.name };
  return {
    logical: logicalTypeName(logical),
    duckdb: duckdbType(logical, 'varchar')?.sql ?? 'none',
    postgres: postgresType(column).sql,
    // Its collation is the same for all text, see the connector's page.
    mysql: mysqlType({ ...NO_TABLE, columns: [column] }, column, [], mysqlRules).sql.replace(/ collate \S+$/, ''),
  };
}

const NO_TABLE = { namespace: 'public', name: 'a', version: 1, key: [] } as const;
const mysqlRules = new TypeRules('mysql');

const TYPE_OID = 1;
const INNER_OID = 2;

/** What the source makes of a type, asked with a catalog that holds that type alone. */
function logicalTypeOf(type: PageType): LogicalType {
  const types = new Map<number, PgType>([[TYPE_OID, catalogRow(type, TYPE_OID)]]);
  if (type.of !== undefined) types.set(INNER_OID, catalogRow(type.of, INNER_OID));
  return mapType(types, TYPE_OID, type.modifier ?? type.of?.modifier ?? -1).type;
}

function catalogRow(type: PageType, oid: number): PgType {
  const isDomain = type.kind === 'd';
  return {
    oid,
    name: type.catalog,
    kind: type.kind ?? 'b',
    baseOid: isDomain ? INNER_OID : 0,
    baseModifier: isDomain ? (type.of?.modifier ?? -1) : -1,
    elementOid: type.of === undefined || isDomain ? 0 : INNER_OID,
    builtIn: type.from === undefined,
    extension: type.from === undefined || type.from === 'own' ? null : type.from,
  };
}
