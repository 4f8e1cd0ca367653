import type { PgType } from '@weir/postgres';

/** Built-in types between which a column can be altered without its rows being rewritten; all others stand alone. */
const STORED_ALIKE: Readonly<Record<string, string>> = {
  varchar: 'text',
  bpchar: 'text',
  xml: 'text',
  timestamptz: 'timestamp',
  cidr: 'inet',
  varbit: 'bit',
  ...Object.fromEntries(
    ['oid', 'regproc', 'regprocedure', 'regoper', 'regoperator', 'regclass', 'regtype', 'regrole', 'regnamespace']
      .concat(['regconfig', 'regdictionary', 'regcollation'])
      .map((name) => [name, 'int4']),
  ),
};

/** Types whose values have the same text in each of them. */
const TEXTS = ['text', 'varchar', 'bpchar'];

interface ColumnType {
  readonly typeOid: number;
  readonly modifier: number;
}

/**
 * False when a column cannot have gone from one type to the other without a rewrite of its table. True says little: what is
 * not built in may be stored in any way.
 */
export function mayShareStorage(from: ColumnType, to: ColumnType, types: ReadonlyMap<number, PgType>): boolean {
  const [a, b] = [baseType(from.typeOid, types), baseType(to.typeOid, types)];
  if (a === undefined || b === undefined || !a.builtIn || !b.builtIn) return true;
  return (STORED_ALIKE[a.name] ?? a.name) === (STORED_ALIKE[b.name] ?? b.name);
}

/** Whether values that were not rewritten have the same canonical cells under both types. */
export function keepsCells(from: ColumnType, to: ColumnType, types: ReadonlyMap<number, PgType>): boolean {
  const [a, b] = [baseType(from.typeOid, types), baseType(to.typeOid, types)];
  if (a === undefined || b === undefined) return from.typeOid === to.typeOid;
  if (a.oid === b.oid) return true;
  return a.builtIn && b.builtIn && TEXTS.includes(a.name) && TEXTS.includes(b.name);
}

/** The type below a domain. */
function baseType(oid: number, types: ReadonlyMap<number, PgType>): PgType | undefined {
  const type = types.get(oid);
  return type?.kind === 'd' ? baseType(type.baseOid, types) : type;
}
