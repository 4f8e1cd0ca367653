import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BATCH_ROWS, BatchWriter, NO_TABLE, Op } from '@weir/sdk';
import { expect, test } from 'vitest';
import { cellsOf, column } from '../testing/decoded.ts';
import { encodeBytes, encodeDate, encodeDatetime2, encodeDecimal, encodeFloat, encodeInteger, encodeTime2, encodeTimestamp2 } from '../encoding/encode-value.ts';
import { MysqlType } from './mysql-type.ts';

/** Less than the smallest object for each row: what the batches need is far below it. */
const BYTES_PER_ROW = 8;
/** So few that what they leave does not make the garbage collector run by itself, which would hide it. */
const ROWS = 8000;
const WARM = 300_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Least growth of the heap in bytes per row of some times that `work` goes over ROWS rows, after it was compiled. */
function growth(work: (rows: number) => void): number {
  work(WARM);
  const seen = Array.from({ length: 5 }, () => {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    work(ROWS);
    return (process.memoryUsage().heapUsed - before) / ROWS;
  });
  return Math.min(...seen);
}

const day = { year: 2024, month: 2, day: 29, hour: 12, minute: 34, second: 56, micros: 123_456 };
const label = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const columns = [
  { of: column(MysqlType.long, 0), value: encodeInteger(-2_000_000_000n, 4) },
  { of: column(MysqlType.long, 0, { unsigned: true }), value: encodeInteger(4_000_000_000n, 4) },
  { of: column(MysqlType.longlong, 0), value: encodeInteger(-9_000_000_000_000_000_000n, 8) },
  { of: column(MysqlType.newDecimal, 30 | (10 << 8)), value: encodeDecimal(true, '12345678901234567890123456789', 30, 10) },
  { of: column(MysqlType.double, 8), value: encodeFloat(1234.56, 8) },
  { of: column(MysqlType.double, 8), value: encodeFloat(2 / 3, 8) },
  { of: column(MysqlType.double, 8), value: encodeFloat(0.1 + 0.2, 8) },
  { of: column(MysqlType.float, 4), value: encodeFloat(0.5, 4) },
  { of: column(MysqlType.float, 4), value: encodeFloat(Math.fround(2 / 3), 4) },
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

test('cells of numbers, times, text and bytes are written without an object each', () => {
  const writer = new BatchWriter();
  const decoders = columns.map(({ of }) => cellsOf(of).decoder);
  const row = Buffer.concat(columns.map(({ value }) => value));
  let overhead = (_bytes: Uint8Array): unknown => null;
  const decode = (rows: number): void => {
    for (let i = 0; i < rows; i++) {
      let at = writer.append(row);
      const end = at + row.length;
      writer.beginRow(Op.insert, NO_TABLE, 0, i);
      writer.beginAfter();
      for (let c = 0; c < decoders.length; c++) {
        at = decoders[c]!.write(writer.data, at, end, writer);
      }
      overhead(row);
      if (at !== end) throw new Error('the row is longer than its columns');
      if (writer.rows === BATCH_ROWS || writer.isFull()) writer.close(null).release();
    }
  };
  expect(growth(decode)).toBeLessThan(BYTES_PER_ROW);

  // The same with one small object per row, to show that the measure sees it.
  overhead = (bytes) => bytes.subarray(1);
  expect(growth(decode)).toBeGreaterThan(BYTES_PER_ROW);
});
