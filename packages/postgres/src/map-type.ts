import type { LogicalType } from '@weir/sdk';
import type pg from 'pg';
import { query } from './connection/query.ts';
import { arrayRewrite } from './rewrite-array.ts';
import { rewriteBytea, rewriteDate, rewriteTimestamp, rewriteTimestamptz, rewriteTimetz } from './rewrite-cell.ts';
import type { TypeMapping } from './type-mapping.ts';

/** A row of pg_type, as far as it matters here. */
export interface PgType {
  readonly oid: number;
  readonly name: string;
  /** `b` base, `c` composite, `d` domain, `e` enum, `r` range, `m` multirange. */
  readonly kind: string;
  /** For a domain: the type below it and its modifier. */
  readonly baseOid: number;
  readonly baseModifier: number;
  /** For a true array, its elements separated by commas: their type. 0 for other types. */
  readonly elementOid: number;
  /** In pg_catalog; a type of somebody's own may have the same name. */
  readonly builtIn: boolean;
  /** The extension that it belongs to; null for types of the server and of somebody's own. */
  readonly extension: string | null;
}

const TYPES = `
  SELECT oid, typname, typtype, typbasetype, typtypmod,
         CASE WHEN typinput = 'pg_catalog.array_in'::regproc AND typdelim = ',' THEN typelem ELSE 0 END AS element,
         typnamespace = 'pg_catalog'::regnamespace AS built_in,
         (SELECT extname FROM pg_depend JOIN pg_extension e ON e.oid = refobjid
           WHERE classid = 'pg_type'::regclass AND objid = t.oid AND refclassid = 'pg_extension'::regclass
             AND deptype = 'e') AS extension
    FROM pg_type t WHERE typtype IN ('b', 'd', 'e', 'r', 'm')`;

/** The types of a database by oid. */
export async function readTypes(client: pg.Client): Promise<Map<number, PgType>> {
  const types = new Map<number, PgType>();
  for (const row of await query(client, TYPES)) {
    const oid = Number(row['oid']);
    types.set(oid, {
      oid,
      name: row['typname']!,
      kind: row['typtype']!,
      baseOid: Number(row['typbasetype']),
      baseModifier: Number(row['typtypmod']),
      elementOid: Number(row['element']),
      builtIn: row['built_in'] === 't',
      extension: row['extension']!,
    });
  }
  return types;
}

const plain = (type: LogicalType): TypeMapping => ({ type, rewrite: null });

/** By name in pg_catalog. Session settings (connection.ts) give ISO dates in UTC, ISO intervals and hexadecimal bytea. */
const builtInTypes: Readonly<Record<string, TypeMapping>> = {
  bool: plain({ kind: 'bool' }),
  int2: plain({ kind: 'int', bits: 16 }),
  int4: plain({ kind: 'int', bits: 32 }),
  int8: plain({ kind: 'int', bits: 64 }),
  oid: plain({ kind: 'uint', bits: 32 }),
  xid: plain({ kind: 'uint', bits: 32 }),
  xid8: plain({ kind: 'uint', bits: 64 }),
  cid: plain({ kind: 'uint', bits: 32 }),
  float4: plain({ kind: 'float', bits: 32 }),
  float8: plain({ kind: 'float', bits: 64 }),
  text: plain({ kind: 'string' }),
  varchar: plain({ kind: 'string' }),
  bpchar: plain({ kind: 'string' }),
  char: plain({ kind: 'string' }),
  name: plain({ kind: 'string' }),
  refcursor: plain({ kind: 'string' }),
  bytea: { type: { kind: 'bytes' }, rewrite: rewriteBytea },
  date: { type: { kind: 'date' }, rewrite: rewriteDate },
  timestamp: { type: { kind: 'timestamp' }, rewrite: rewriteTimestamp },
  timestamptz: { type: { kind: 'timestamptz' }, rewrite: rewriteTimestamptz },
  time: plain({ kind: 'time' }),
  timetz: { type: { kind: 'timetz' }, rewrite: rewriteTimetz },
  interval: plain({ kind: 'interval' }),
  uuid: plain({ kind: 'uuid' }),
  json: plain({ kind: 'json' }),
  jsonb: plain({ kind: 'json' }),
};

/** By the name of the extension and of the type. */
const extensionTypes: Readonly<Record<string, TypeMapping>> = {
  'citext.citext': plain({ kind: 'string' }),
};

/** The mapping of a column's type. Types that are not known keep the server's own text, as kind `other`. */
export function mapType(types: ReadonlyMap<number, PgType>, oid: number, modifier: number): TypeMapping {
  const type = types.get(oid);
  if (type === undefined) return plain({ kind: 'other' });
  if (type.kind === 'd') return mapType(types, type.baseOid, type.baseModifier);
  if (type.kind === 'e') return plain({ kind: 'enum' });
  if (type.elementOid !== 0) return mapArray(types, type.elementOid, modifier);
  if (!type.builtIn) return extensionTypes[`${type.extension}.${type.name}`] ?? plain({ kind: 'other' });
  if (type.name === 'numeric') return plain(decimalType(modifier));
  return builtInTypes[type.name] ?? plain({ kind: 'other' });
}

function mapArray(types: ReadonlyMap<number, PgType>, elementOid: number, modifier: number): TypeMapping {
  const element = mapType(types, elementOid, modifier);
  return { type: { kind: 'array', of: element.type }, rewrite: arrayRewrite(element) };
}

/**
 * A numeric's modifier holds precision and scale: `((precision << 16) | (scale & 0x7ff)) + 4`, the scale signed in 11 bits
 * (PostgreSQL, src/backend/utils/adt/numeric.c). A scale outside 0 to precision is kept unconstrained.
 */
function decimalType(modifier: number): LogicalType {
  if (modifier < 4) return { kind: 'decimal', precision: null, scale: null };
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
  if (scale < 0 || scale > precision) return { kind: 'decimal', precision: null, scale: null };
  return { kind: 'decimal', precision, scale };
}
