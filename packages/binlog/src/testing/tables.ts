import type { BinlogColumn } from '../cells/cell-decoder.ts';
import { MysqlType } from '../cells/mysql-type.ts';
import type { TableMap } from '../table-map.ts';

export function column(type: number, meta = 0, rest: Partial<BinlogColumn> = {}): BinlogColumn {
  return { type, meta, nullable: true, name: null, unsigned: false, collation: null, values: null, detail: null, ...rest };
}

/** A table of an INT key `a` and two VARCHARs, `b` and `c`. */
export const pair: TableMap = {
  tableId: 108,
  database: 'shop',
  name: 'pair',
  columns: [
    column(MysqlType.long, 0, { name: 'a', nullable: false }),
    column(MysqlType.varchar, 80, { name: 'b', collation: 255 }),
    column(MysqlType.varchar, 80, { name: 'c', collation: 255 }),
  ],
  primaryKey: [{ column: 0, prefix: 0 }],
  invisible: null,
};

/** A value of a VARCHAR of up to 255 bytes. */
export function varchar(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1');
  return Uint8Array.from([bytes.length, ...bytes]);
}

export function int(value: number): Uint8Array {
  return Uint8Array.of(value, value >> 8, value >> 16, value >> 24);
}

/** The four bytes of an INT as a test reads them. */
export function intText(value: number): string {
  return Buffer.from(int(value)).toString('latin1');
}

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/gu, ''), 'hex'));
}
