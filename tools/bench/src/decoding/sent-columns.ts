// Columns of one table as two servers send them: PostgreSQL its text, MySQL bytes in its log.
import {
  MysqlType,
  encodeBytes,
  encodeDate,
  encodeDatetime2,
  encodeDecimal,
  encodeFloat,
  encodeInteger,
  encodeTimestamp2,
  type MomentValue,
} from '@weir/binlog/encoder';
import { float64Text } from '@weir/sdk';

/** What a table of PostgreSQL and one of MySQL say of a column, and what it holds in each row. */
export interface SentColumn {
  /** Of pg_type, and the modifier of the column. */
  readonly postgres: { readonly name: string; readonly oid: number; readonly modifier: number };
  readonly mysql: {
    readonly type: number;
    readonly meta: number;
    /** COLUMN_TYPE. */
    readonly sourceType: string;
    readonly unsigned?: boolean;
    readonly collation?: number;
    readonly labels?: readonly string[];
  };
  /** As PostgreSQL prints it. */
  text(id: number): string | null;
  /** As MySQL's log has it. */
  logged(id: number): Uint8Array | null;
}

type Of<T> = (id: number) => T;

const UTF8MB4 = 255;
/** As many bytes as need two of length in front. */
const CHARACTERS = 300;
const TEXT_LENGTH = 2;

export function text(of: Of<string | null>): SentColumn {
  return {
    postgres: { name: 'text', oid: 25, modifier: -1 },
    mysql: { type: MysqlType.varchar, meta: CHARACTERS, sourceType: `varchar(${CHARACTERS})`, collation: UTF8MB4 },
    text: of,
    logged: (id) => {
      const value = of(id);
      return value === null ? null : encodeBytes(Buffer.from(value), TEXT_LENGTH);
    },
  };
}

const integers = {
  2: { postgres: { name: 'int2', oid: 21, modifier: -1 }, type: MysqlType.short, sourceType: 'smallint' },
  4: { postgres: { name: 'int4', oid: 23, modifier: -1 }, type: MysqlType.long, sourceType: 'int' },
  8: { postgres: { name: 'int8', oid: 20, modifier: -1 }, type: MysqlType.longlong, sourceType: 'bigint' },
} as const;

export function integer(bytes: 2 | 4 | 8, of: Of<number>): SentColumn {
  const { postgres, type, sourceType } = integers[bytes];
  return { postgres, mysql: { type, meta: 0, sourceType }, text: (id) => String(of(id)), logged: (id) => encodeInteger(BigInt(of(id)), bytes) };
}

/** @param of the number without its point, of any sign */
export function decimal(precision: number, scale: number, of: Of<bigint>): SentColumn {
  const digits = (value: bigint): string => String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return {
    postgres: { name: 'numeric', oid: 1700, modifier: ((precision << 16) | scale) + 4 },
    mysql: { type: MysqlType.newDecimal, meta: precision | (scale << 8), sourceType: `decimal(${precision},${scale})` },
    text: (id) => `${of(id) < 0n ? '-' : ''}${digits(of(id)).replace(new RegExp(`(?=.{${scale}}$)`), scale > 0 ? '.' : '')}`,
    logged: (id) => encodeDecimal(of(id) < 0n, digits(of(id)), precision, scale),
  };
}

export function double(of: Of<number>): SentColumn {
  return {
    postgres: { name: 'float8', oid: 701, modifier: -1 },
    mysql: { type: MysqlType.double, meta: 8, sourceType: 'double' },
    text: (id) => float64Text(of(id)),
    logged: (id) => encodeFloat(of(id), 8),
  };
}

/** @param of milliseconds since 1970 */
export function timestamp(digits: 0 | 3 | 6, of: Of<number>): SentColumn {
  return {
    postgres: { name: 'timestamptz', oid: 1184, modifier: digits },
    mysql: { type: MysqlType.timestamp2, meta: digits, sourceType: `timestamp(${digits})` },
    text: (id) => `${printed(of(id), digits)}+00`,
    logged: (id) => encodeTimestamp2(Math.floor(of(id) / 1000), fractionOf(of(id), digits), digits),
  };
}

/** @param of milliseconds since 1970; null where the row has none */
export function datetime(digits: 0 | 3 | 6, of: Of<number | null>): SentColumn {
  return {
    postgres: { name: 'timestamp', oid: 1114, modifier: digits },
    mysql: { type: MysqlType.datetime2, meta: digits, sourceType: `datetime(${digits})` },
    text: (id) => (of(id) === null ? null : printed(of(id)!, digits)),
    logged: (id) => (of(id) === null ? null : encodeDatetime2(momentOf(of(id)!, digits), digits)),
  };
}

/** @param of milliseconds since 1970 */
export function date(of: Of<number>): SentColumn {
  return {
    postgres: { name: 'date', oid: 1082, modifier: -1 },
    mysql: { type: MysqlType.date, meta: 0, sourceType: 'date' },
    text: (id) => printed(of(id), 0).slice(0, 10),
    logged: (id) => encodeDate(momentOf(of(id), 0)),
  };
}

/** An enum of MySQL, text at PostgreSQL. */
export function label(labels: readonly string[], of: Of<number>): SentColumn {
  const sourceType = `enum(${labels.map((each) => `'${each}'`).join(',')})`;
  return {
    ...text((id) => labels[of(id)]!),
    mysql: { type: MysqlType.string, meta: MysqlType.enum | (1 << 8), sourceType, collation: UTF8MB4, labels },
    logged: (id) => encodeInteger(BigInt(of(id) + 1), 1),
  };
}

/** Six digits that end in no 0, so that all of a fraction is printed: its milliseconds, and 789 microseconds where it has them. */
function fractionOf(time: number, digits: 0 | 3 | 6): number {
  return digits === 0 ? 0 : (time % 1000) * 1000 + (digits === 6 ? 789 : 0);
}

function momentOf(time: number, digits: 0 | 3 | 6): MomentValue {
  const at = new Date(time);
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
    micros: fractionOf(time, digits),
  };
}

/** As PostgreSQL prints it, without the zone. */
function printed(time: number, digits: 0 | 3 | 6): string {
  const whole = new Date(time).toISOString().slice(0, 19).replace('T', ' ');
  const fraction = String(fractionOf(time, digits)).padStart(6, '0').slice(0, digits);
  return whole + `.${fraction}`.replace(/\.?0*$/, '');
}
