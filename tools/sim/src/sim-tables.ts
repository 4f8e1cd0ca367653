import type { Relation } from '@weir/pgoutput';
import type { PgType } from '@weir/postgres';
import type { CatalogShape, ShapeColumn } from '@weir/source-postgres/parts';
import { INT4, TEXT } from './sim-types.ts';

/** One form of a table of the simulated server; another object after each change of it. */
export interface SimTable {
  readonly oid: number;
  readonly name: string;
  readonly shape: CatalogShape;
  /** Values by `attnum` that rows from before a column was added show, and new ones that do not name it. */
  readonly missing: ReadonlyMap<number, string>;
}

/** What a column is to be. */
export interface ColumnPlan {
  readonly name: string;
  readonly type: PgType;
  /** As `pg_attribute.atttypmod`; -1 by default. */
  readonly modifier?: number;
}

/** Whose column 3 holds large values: they are apart from their rows, and in the log only where they are written. */
export const LARGE = 3;

/** Keys of the two tables of histories: numbers, and texts whose order differs between bytes and languages. */
export const keysOf: Readonly<Record<string, readonly string[]>> = {
  orders: ['1', '2', '3', '4', '9', '10', '11', '20'],
  notes: ['A', 'B', 'Z', 'a', 'b', 'é', '\u{1F600}'],
};

export function firstTables(): SimTable[] {
  return [labelledTable(101, 'orders', INT4), labelledTable(102, 'notes', TEXT)];
}

/** A table with a key, and two texts beside it. */
export function labelledTable(oid: number, name: string, keyType: PgType): SimTable {
  const texts = ['label', 'large'].map((column) => ({ name: column, type: TEXT }));
  return newTable(oid, name, [{ name: 'id', type: keyType }, ...texts]);
}

/** @param columns the first is the key */
export function newTable(oid: number, name: string, columns: readonly ColumnPlan[]): SimTable {
  const shape: CatalogShape = {
    columns: columns.map((column, at) => newColumn(at + 1, column, 3)),
    key: [1],
    keyIndex: oid + 1000,
    identity: 'd',
    insertsOnly: false,
    fileNode: oid,
    partitions: [],
    contents: {},
    highest: columns.length,
    dropped: new Map(),
    missing: new Map(),
    born: new Set(),
  };
  return { oid, name, shape, missing: new Map() };
}

function newColumn(attnum: number, { name, type, modifier = -1 }: ColumnPlan, altered: number): ShapeColumn {
  const sourceType = type === INT4 ? 'integer' : type.name;
  return { attnum, name, typeOid: type.oid, modifier, nullable: attnum !== 1, sourceType, altered: String(altered) };
}

/** What a statement does to the shape of a table. */
export type Reshape =
  /** A text column, with a constant default or none. */
  | { readonly change: 'add'; readonly column: string; readonly value: string | null }
  | { readonly change: 'drop'; readonly column: string }
  | { readonly change: 'rename'; readonly column: string; readonly from: string };

/** A change of a kind, of whatever column comes next for it: the last one, but for the first three. Null when there is none. */
export function anyReshape({ shape }: SimTable, change: Reshape['change'], transactionId: number): Reshape | null {
  const attnum = shape.highest + 1;
  if (change === 'add') return shape.columns.length > 6 ? null : { change, column: `extra${attnum}`, value: `default of ${attnum}` };
  const last = shape.columns.at(-1)!;
  if (last.attnum <= LARGE) return null;
  return change === 'drop' ? { change, column: last.name } : { change, column: `${last.name}_${transactionId}`, from: last.name };
}

/** The form of a table behind a change of it. @throws Error when it has no such column */
export function reshaped(table: SimTable, reshape: Reshape, transactionId: number): SimTable {
  const { shape, missing } = table;
  if (reshape.change === 'add') {
    const attnum = shape.highest + 1;
    const columns = [...shape.columns, newColumn(attnum, { name: reshape.column, type: TEXT }, transactionId)];
    const next = { ...table, shape: { ...shape, columns, highest: attnum } };
    const { value } = reshape;
    if (value === null) return next;
    const texts = new Map([...shape.missing, [attnum, arrayOf(value)]]);
    return { ...next, missing: new Map([...missing, [attnum, value]]), shape: { ...next.shape, missing: texts } };
  }
  const name = reshape.change === 'drop' ? reshape.column : reshape.from;
  const column = shape.columns.find((each) => each.name === name);
  if (column === undefined) throw new Error(`table ${table.name} has no column ${name}`);
  if (reshape.change === 'drop') {
    const dropped = new Map([...shape.dropped, [column.attnum, String(transactionId)]]);
    return { ...table, shape: { ...shape, columns: shape.columns.filter((each) => each !== column), dropped } };
  }
  const renamed = { ...column, name: reshape.column, altered: String(transactionId) };
  return { ...table, shape: { ...shape, columns: shape.columns.map((each) => (each === column ? renamed : each)) } };
}

/** As `attmissingval` has a value: in an array of one element, as text. */
function arrayOf(value: string): string {
  return `{"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"}`;
}

export function relationOf({ oid, name, shape }: SimTable): Relation {
  const columns = shape.columns.map((each) => {
    return { name: each.name, typeOid: each.typeOid, typeModifier: each.modifier, isKey: each.attnum === 1 };
  });
  return { oid, namespace: 'public', name, replicaIdentity: 'd', columns };
}

/** A row's cells by `attnum`; what is beyond the end was added later. */
export type SimRow = readonly (string | null)[];

/** Columns by their names. */
export type Values = Readonly<Record<string, string | null>>;

/** What a row shows of a column in a form of its table. */
export function cellIn({ missing }: SimTable, row: SimRow, attnum: number): string | null {
  return attnum <= row.length ? row[attnum - 1]! : (missing.get(attnum) ?? null);
}

/** The cells that a row shows in a form of its table. */
export function cellsIn(table: SimTable, row: SimRow): (string | null)[] {
  return table.shape.columns.map(({ attnum }) => cellIn(table, row, attnum));
}

/** A row as it is written. @param old what is not named is of it; null: gets its default */
export function rowOf(table: SimTable, key: string, values: Values, old: SimRow | null): SimRow {
  const row: (string | null)[] = Array.from({ length: table.shape.highest }, () => null);
  for (const { attnum, name } of table.shape.columns) {
    row[attnum - 1] = Object.hasOwn(values, name) ? values[name]! : cellIn(table, old ?? [], attnum);
  }
  row[0] = key;
  return row;
}

/** Rows with keys that follow each other: kept as one, since there may be very many. */
export interface RowRun {
  readonly first: number;
  readonly count: number;
  /** One of them: the others differ in their keys. */
  readonly row: SimRow;
}

/** The row at a place of a run. */
export function rowAt({ first, row }: RowRun, place: number): SimRow {
  return [String(first + place), ...row.slice(1)];
}
