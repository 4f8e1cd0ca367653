import type { Relation } from '@weir/pgoutput';
import type { PgType } from '@weir/postgres';
import type { CatalogShape, ShapeColumn } from '@weir/source-postgres/parts';

/** One form of a table of the simulated server; another object after each change of it. */
export interface SimTable {
  readonly oid: number;
  readonly name: string;
  readonly shape: CatalogShape;
  /** Values by `attnum` that rows from before a column was added show. */
  readonly missing: ReadonlyMap<number, string>;
}

const INT4 = 23;
const TEXT = 25;
const type = (oid: number, name: string): PgType => {
  return { oid, name, kind: 'b', baseOid: 0, baseModifier: 0, elementOid: 0, builtIn: true, extension: null };
};
export const types: ReadonlyMap<number, PgType> = new Map([
  [INT4, type(INT4, 'int4')],
  [TEXT, type(TEXT, 'text')],
]);

function column(attnum: number, name: string, typeOid: number, altered: number): ShapeColumn {
  const sourceType = typeOid === INT4 ? 'integer' : 'text';
  return { attnum, name, typeOid, modifier: -1, nullable: attnum !== 1, sourceType, altered: String(altered) };
}

/** Keys of the two tables: numbers, and texts whose order differs between bytes and languages. */
export const keysOf: Readonly<Record<string, readonly string[]>> = {
  orders: ['1', '2', '3', '4', '9', '10', '11', '20'],
  notes: ['A', 'B', 'Z', 'a', 'b', 'é', '\u{1F600}'],
};

export function firstTables(): SimTable[] {
  return [newTable(101, 'orders', INT4), newTable(102, 'notes', TEXT)];
}

function newTable(oid: number, name: string, keyType: number): SimTable {
  const columns = [column(1, 'id', keyType, 3), column(2, 'label', TEXT, 3), column(3, 'large', TEXT, 3)];
  const shape: CatalogShape = {
    columns,
    key: [1],
    keyIndex: oid + 1000,
    identity: 'd',
    insertsOnly: false,
    fileNode: oid,
    partitions: [],
    contents: {},
    highest: 3,
    dropped: new Map(),
    missing: new Map(),
    born: new Set(),
  };
  return { oid, name, shape, missing: new Map() };
}

/** What a statement does to the shape of a table. Columns 1 to 3 stay. */
export type Reshape = 'add' | 'drop' | 'rename';

/** @returns null when there is nothing to drop or to rename */
export function reshaped(table: SimTable, how: Reshape, transactionId: number): SimTable | null {
  const { shape } = table;
  const last = shape.columns.at(-1)!;
  if (how === 'add') {
    if (shape.columns.length > 6) return null;
    const attnum = shape.highest + 1;
    const value = `default of ${attnum}`;
    const missing = new Map([...table.missing, [attnum, value]]);
    const texts = new Map([...shape.missing, [attnum, `{"${value}"}`]]);
    const columns = [...shape.columns, column(attnum, `extra${attnum}`, TEXT, transactionId)];
    return { ...table, missing, shape: { ...shape, columns, highest: attnum, missing: texts } };
  }
  if (last.attnum <= 3) return null;
  if (how === 'drop') {
    const dropped = new Map([...shape.dropped, [last.attnum, String(transactionId)]]);
    return { ...table, shape: { ...shape, columns: shape.columns.slice(0, -1), dropped } };
  }
  const renamed = { ...last, name: `${last.name}_${transactionId}`, altered: String(transactionId) };
  return { ...table, shape: { ...shape, columns: [...shape.columns.slice(0, -1), renamed] } };
}

export function relationOf({ oid, name, shape }: SimTable): Relation {
  const columns = shape.columns.map((each) => {
    return { name: each.name, typeOid: each.typeOid, typeModifier: -1, isKey: each.attnum === 1 };
  });
  return { oid, namespace: 'public', name, replicaIdentity: 'd', columns };
}

/** A row's cells by `attnum`; what is beyond the end was added later. */
export type SimRow = readonly (string | null)[];

/** The cells that a row shows in a form of its table. */
export function cellsIn(table: SimTable, row: SimRow): (string | null)[] {
  return table.shape.columns.map(({ attnum }) => (attnum <= row.length ? row[attnum - 1]! : (table.missing.get(attnum) ?? null)));
}
