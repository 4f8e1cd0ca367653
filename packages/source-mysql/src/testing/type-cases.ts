import type { TypeCase } from '@weir/testkit';
import type { Flavour } from '../checkpoint-state.ts';

/** A case and what the server is given for it. */
export interface MysqlTypeCase extends TypeCase {
  readonly sqlType: string;
  /** SQL expressions, one for each cell. */
  readonly values: readonly string[];
}

/** Edge values of every type that a server has. */
export function typeCasesOf(flavour: Flavour): readonly MysqlTypeCase[] {
  return [...common, ...(flavour === 'mysql' ? ofMysql : ofMariadb)];
}

function of(column: string, sqlType: string, type: TypeCase['type'], ...pairs: readonly (readonly [string, TypeCase['cells'][number]])[]): MysqlTypeCase {
  return { column, sqlType, type, values: pairs.map(([value]) => value), cells: pairs.map(([, cell]) => cell) };
}

const common: readonly MysqlTypeCase[] = [
  of('t_tiny', 'tinyint', { kind: 'int', bits: 8 }, ['-128', '-128'], ['127', '127'], ['NULL', null]),
  of('t_small', 'smallint unsigned', { kind: 'uint', bits: 16 }, ['0', '0'], ['65535', '65535']),
  of('t_medium', 'mediumint', { kind: 'int', bits: 32 }, ['-8388608', '-8388608'], ['8388607', '8388607']),
  of('t_int', 'int unsigned', { kind: 'uint', bits: 32 }, ['0', '0'], ['4294967295', '4294967295']),
  of('t_big', 'bigint', { kind: 'int', bits: 64 }, ['-9223372036854775808', '-9223372036854775808'], ['9007199254740993', '9007199254740993']),
  of('t_ubig', 'bigint unsigned', { kind: 'uint', bits: 64 }, ['18446744073709551615', '18446744073709551615']),
  of('t_decimal', 'decimal(38, 10)', { kind: 'decimal', precision: 38, scale: 10 }, ['-1.5', '-1.5000000000'], ['9999999999999999999999999999.0123456789', '9999999999999999999999999999.0123456789']),
  of('t_float', 'float', { kind: 'float', bits: 32 }, ['1.1', '1.1'], ['16777216', '1.6777216e+07'], ['-3.4028235e38', '-3.4028235e+38']),
  of('t_double', 'double', { kind: 'float', bits: 64 }, ['0.1', '0.1'], ['1e300', '1e+300'], ['-2.5e-300', '-2.5e-300']),
  of('t_bit', 'bit(10)', { kind: 'other' }, ["b'1010'", '0000001010']),
  of('t_year', 'year', { kind: 'uint', bits: 16 }, ['2024', '2024'], ['0', '0']),
  of('t_date', 'date', { kind: 'date' }, ["'1000-01-01'", '1000-01-01'], ["'9999-12-31'", '9999-12-31'], ["'2024-02-31'", null]),
  of('t_datetime', 'datetime(6)', { kind: 'timestamp' }, ["'2024-02-29 23:59:59.000001'", '2024-02-29T23:59:59.000001'], ["'2024-01-02 03:04:05'", '2024-01-02T03:04:05']),
  of('t_timestamp', 'timestamp(3) NULL', { kind: 'timestamptz' }, ["'2024-01-02 03:04:05.120'", '2024-01-02T03:04:05.12Z']),
  of('t_time', 'time(2)', { kind: 'interval' }, ["'-838:59:59'", 'PT-838H-59M-59S'], ["'00:00:00.50'", 'PT0.5S']),
  of('t_char', 'char(10)', { kind: 'string' }, ["'größe'", 'größe'], ["''", '']),
  of('t_varchar', 'varchar(100) CHARACTER SET latin1', { kind: 'string' }, ["'größe €'", 'größe €']),
  of('t_text', 'longtext', { kind: 'string' }, ["'😀 \\\\ \\' \\n'", "😀 \\ ' \n"]),
  of('t_binary', 'binary(4)', { kind: 'bytes' }, ["x'0102'", new Uint8Array([1, 2, 0, 0])]),
  of('t_blob', 'blob', { kind: 'bytes' }, ["x'00ff5c27'", new Uint8Array([0, 255, 92, 39])], ["x''", new Uint8Array(0)]),
  of('t_enum', "enum('a','b''c')", { kind: 'enum' }, ["'b''c'", "b'c"]),
  of('t_set', "set('x','y','z')", { kind: 'string' }, ["'x,z'", 'x,z'], ["''", '']),
];

const ofMysql: readonly MysqlTypeCase[] = [
  of('t_json', 'json', { kind: 'json' }, ['\'{"b": [1, 2.50, null], "a": "ä"}\'', '{"a": "ä", "b": [1, 2.5, null]}']),
];

const ofMariadb: readonly MysqlTypeCase[] = [
  of('t_json', 'json', { kind: 'json' }, ['\'{"b":[1,2.50]}\'', '{"b":[1,2.50]}']),
  of('t_uuid', 'uuid', { kind: 'uuid' }, ["'123e4567-e89b-12d3-a456-426655440000'", '123e4567-e89b-12d3-a456-426655440000']),
  of('t_inet6', 'inet6', { kind: 'other' }, ["'2001:db8::1'", '2001:db8::1']),
];
