/** MYSQL_TYPE_*, of MySQL (include/field_types.h) and MariaDB (include/mysql_com.h); those of 140 and 141 are MariaDB's alone. */
export const MysqlType = {
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  newDate: 14,
  varchar: 15,
  bit: 16,
  timestamp2: 17,
  datetime2: 18,
  time2: 19,
  compressedBlob: 140,
  compressedVarchar: 141,
  vector: 242,
  json: 245,
  newDecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

/** The type behind a column of a TABLE_MAP event. */
export interface RealType {
  readonly type: number;
  /** Bytes of a CHAR or BINARY at most, or of an enum's or set's value; 0 for others. */
  readonly size: number;
}

/**
 * CHAR, BINARY, ENUM and SET all come as STRING: the first byte of the metadata is the real type, the second the length, whose
 * upper two bits are inverted in the type (MySQL, sql/log_event.cc, and Field_string::do_save_field_metadata).
 */
export function realType(type: number, meta: number): RealType {
  if (type !== MysqlType.string) return { type, size: 0 };
  const first = meta & 0xff;
  const second = meta >> 8;
  if (first === 0) return { type, size: second };
  if ((first & 0x30) === 0x30) return { type: first, size: second };
  return { type: first | 0x30, size: second | (((first & 0x30) ^ 0x30) << 4) };
}
