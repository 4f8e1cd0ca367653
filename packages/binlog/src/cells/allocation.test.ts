import { BATCH_ROWS, BatchWriter, NO_TABLE, Op } from '@weir/sdk';
import { heapGrowth } from '@weir/testkit';
import { expect, test } from 'vitest';
import { cellsOf, column } from '../testing/decoded.ts';
import { encodeBytes, encodeDate, encodeDatetime2, encodeDecimal, encodeFloat, encodeInteger, encodeTime2, encodeTimestamp2 } from '../testing/encode-value.ts';
import type { CellDecoder } from './cell-decoder.ts';
import { MysqlType } from './mysql-type.ts';

/** Less than the smallest object for each row: what the batches need is far below it. */
const BYTES_PER_ROW = 8;

const day = { year: 2024, month: 2, day: 29, hour: 12, minute: 34, second: 56, micros: 123_456 };
const label = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const columns = [
  { of: column(MysqlType.long, 0), value: encodeInteger(-2_000_000_000n, 4) },
  { of: column(MysqlType.long, 0, { unsigned: true }), value: encodeInteger(4_000_000_000n, 4) },
  { of: column(MysqlType.longlong, 0), value: encodeInteger(-9_000_000_000_000_000_000n, 8) },
  { of: column(MysqlType.newDecimal, 30 | (10 << 8)), value: encodeDecimal(true, '12345678901234567890123456789', 30, 10) },
  { of: column(MysqlType.double, 8), value: encodeFloat(1234.56, 8) },
  { of: column(MysqlType.float, 4), value: encodeFloat(0.5, 4) },
  { of: column(MysqlType.date, 0), value: encodeDate(day) },
  { of: column(MysqlType.datetime2, 6), value: encodeDatetime2(day, 6) },
  { of: column(MysqlType.timestamp2, 3), value: encodeTimestamp2(4_000_000_000, 120_000, 3) },
  { of: column(MysqlType.time2, 6), value: encodeTime2({ ...day, negative: true }, 6) },
  { of: column(MysqlType.varchar, 80, { collation: 255 }), value: encodeBytes(Buffer.from('naïve'), 1) },
  { of: column(MysqlType.varchar, 80, { collation: 8 }), value: encodeBytes(Buffer.from('na\xefve', 'latin1'), 1) },
  { of: column(MysqlType.string, 254 | (20 << 8), { collation: 63 }), value: encodeBytes(Buffer.from('abc'), 1) },
  { of: column(MysqlType.string, 247 | (1 << 8), { collation: 255, values: [label('x'), label('y')] }), value: Buffer.from([2]) },
  { of: column(MysqlType.bit, 5), value: Buffer.from([21]) },
];

test('cells of numbers, times, text and bytes are written without an object each', async () => {
  const writer = new BatchWriter();
  const decoders = columns.map(({ of }) => cellsOf(of).decoder);
  const row = Buffer.concat(columns.map(({ value }) => value));
  let overhead = (_decoder: CellDecoder): unknown => null;
  const decode = (rows: number): void => {
    for (let i = 0; i < rows; i++) {
      let at = writer.append(row);
      const end = at + row.length;
      writer.beginRow(Op.insert, NO_TABLE, 0, i);
      writer.beginAfter();
      for (let c = 0; c < decoders.length; c++) {
        const decoder = decoders[c]!;
        overhead(decoder);
        at = decoder.write(writer.data, at, end, writer);
      }
      if (at !== end) throw new Error('the row is longer than its columns');
      if (writer.rows === BATCH_ROWS || writer.isFull()) writer.close(null).release();
    }
  };
  expect(await heapGrowth(decode, BYTES_PER_ROW)).toBeLessThan(BYTES_PER_ROW);

  // The same with one small object per row, to show that the measure sees it.
  const kept: object[] = [];
  overhead = (decoder) => (kept[0] = { decoder });
  expect(await heapGrowth(decode, BYTES_PER_ROW)).toBeGreaterThan(BYTES_PER_ROW);
});
