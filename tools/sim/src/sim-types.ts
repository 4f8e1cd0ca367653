import type { PgType } from '@weir/postgres';

const builtIn = (oid: number, name: string, elementOid = 0): PgType => {
  return { oid, name, kind: 'b', baseOid: 0, baseModifier: 0, elementOid, builtIn: true, extension: null };
};

export const INT4: PgType = builtIn(23, 'int4');
export const TEXT: PgType = builtIn(25, 'text');

/** The types of the simulated server, by oid. */
export const types: ReadonlyMap<number, PgType> = new Map(
  [
    INT4,
    TEXT,
    builtIn(16, 'bool'),
    builtIn(17, 'bytea'),
    builtIn(20, 'int8'),
    builtIn(701, 'float8'),
    builtIn(1007, '_int4', INT4.oid),
    builtIn(1082, 'date'),
    builtIn(1114, 'timestamp'),
    builtIn(1184, 'timestamptz'),
    builtIn(1700, 'numeric'),
    builtIn(2950, 'uuid'),
    builtIn(3802, 'jsonb'),
  ].map((type) => [type.oid, type]),
);

/** @throws Error when the server has no such type */
export function typeNamed(name: string): PgType {
  for (const type of types.values()) if (type.name === name) return type;
  throw new Error(`the simulated server has no type ${name}`);
}
