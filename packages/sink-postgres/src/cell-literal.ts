import type { Table } from '@weir/sdk';
import { columnEncoder } from './column-encoders.ts';
import { ColumnEncoder } from './encode.ts';
import { literal } from './sql-text.ts';
import { columnType } from './types.ts';

/** A canonical cell of a column as an SQL constant of the type that the column has here. */
export function cellLiteral(table: Table, index: number, value: Uint8Array | string): string {
  return `${literal(valueText(table, index, value))}::${columnType(table.columns[index]!).sql}`;
}

/** A canonical cell as the server reads it outside of COPY. */
function valueText(table: Table, index: number, value: Uint8Array | string): string {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const encoder = columnEncoder(table, index);
  const out = Buffer.alloc(ColumnEncoder.bound(bytes.length));
  const end = encoder.encode(out, 0, bytes, 0, bytes.length);
  const copied = encoder.prefix + out.toString('utf8', 0, end);
  return copied.replace(/\\(.)/g, (_, letter: string) => unescapes[letter] ?? letter);
}

const unescapes: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
