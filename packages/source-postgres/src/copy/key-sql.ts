import { quoteIdentifier, quoteLiteral } from '@weir/postgres';
import { keyOrder, type Key } from '@weir/sdk';
import type { CatalogTable } from '../capture/catalog.ts';

/** Types whose order a client can tell from the canonical cells, by their oids, as SQL names them. */
const ORDERED_TYPES: ReadonlyMap<number, string> = new Map([
  [16, 'boolean'],
  [17, 'bytea'],
  [20, 'bigint'],
  [21, 'smallint'],
  [23, 'integer'],
  [25, 'text'],
  [26, 'oid'],
  [1043, 'text'],
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
  [2950, 'uuid'],
]);

/** What of text is compared by its bytes already, as `attrelid.attnum`: there the key's index gives the order. */
export type BytewiseColumns = ReadonlySet<string>;

/** The key of a table as SQL that orders it as `keyOrder` does. */
export interface KeySql {
  /** For ORDER BY. */
  readonly ascending: string;
  /** The name of each column, quoted. */
  readonly columns: readonly string[];
  /** False when the server has to sort the table, since its index has another order. */
  readonly isIndexed: boolean;
  /** A condition: the key comes after `key`. */
  after(key: Key): string;
  /** The same, of a key as the server's own text. */
  afterText(texts: readonly string[]): string;
  /** A condition: it is this key. The index finds it, also where that has another order; then its bytes decide. */
  is(key: Key): string;
  upToText(texts: readonly string[]): string;
}

/** Whether a table can be copied by key. */
export function isCopiedByKey({ table, columns }: CatalogTable): boolean {
  return keyOrder(table) !== null && table.key.every((index) => ORDERED_TYPES.has(columns[index]!.typeOid));
}

export function keySql({ oid, table, columns }: CatalogTable, bytewise: BytewiseColumns): KeySql {
  const parts = table.key.map((index) => {
    const { name, typeOid, attnum } = columns[index]!;
    const type = ORDERED_TYPES.get(typeOid)!;
    const isSorted = type === 'text' && !bytewise.has(`${oid}.${attnum}`);
    const column = quoteIdentifier(name);
    return { type, isSorted, column, ordered: isSorted ? `${column} COLLATE "C"` : column };
  });
  const row = (cells: readonly string[]): string => (cells.length === 1 ? cells[0]! : `(${cells.join(', ')})`);
  const left = row(parts.map(({ ordered }) => ordered));
  const values = (texts: readonly string[]): string =>
    row(parts.map(({ type }, part) => `${quoteLiteral(texts[part]!)}::${type}`));
  const compare = (operator: string, texts: readonly string[]): string => `${left} ${operator} ${values(texts)}`;
  const canonical = (key: Key): string[] => parts.map(({ type }, part) => literalText(type, key[part]!));
  const isIndexed = parts.every(({ isSorted }) => !isSorted);
  return {
    ascending: parts.map(({ ordered }) => ordered).join(', '),
    columns: parts.map(({ column }) => column),
    isIndexed,
    after: (key) => compare('>', canonical(key)),
    afterText: (texts) => compare('>', texts),
    is: (key) => {
      const indexed = `${row(parts.map(({ column }) => column))} = ${values(canonical(key))}`;
      return isIndexed ? indexed : `${indexed} AND ${compare('=', canonical(key))}`;
    },
    upToText: (texts) => compare('<=', texts),
  };
}

/** What the server reads of a canonical cell: it writes years before 1 with BC, and bytes behind a mark. */
function literalText(type: string, cell: string): string {
  if (type === 'bytea') return `\\x${cell}`;
  const year = /^(-?\d{4,})-/.exec(cell);
  if ((type !== 'date' && !type.startsWith('timestamp')) || year === null || Number(year[1]) > 0) return cell;
  return `${String(1 - Number(year[1])).padStart(4, '0')}${cell.slice(year[1]!.length)} BC`;
}
