import { BatchWriter, NO_TABLE, Op } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindTable } from './binding.ts';
import { ImageWriter } from './image-code.ts';
import { Image, cutOff, writeImage } from './row-image.ts';
import { columnValue } from './testing/column-values.ts';
import { cellsOf } from './testing/decoded.ts';

const value = fc.record({ of: columnValue, isNull: fc.boolean(), captured: fc.boolean() });

/** The cells that an image becomes and where it ends, or the error. */
function cellsAfter(data: Uint8Array, write: (writer: BatchWriter, start: number, end: number) => number): unknown {
  const writer = new BatchWriter();
  const start = writer.append(data);
  writer.beginRow(Op.insert, NO_TABLE, 0, 1);
  writer.beginAfter();
  let end: number | string;
  try {
    end = write(writer, start, writer.used);
  } catch (error) {
    return String(error);
  }
  const batch = writer.close(null);
  const cells = [...batch.length].map((length, cell) => (length < 0 ? length : Buffer.from(batch.data.subarray(batch.start[cell], batch.start[cell]! + length)).toString('latin1')));
  return { end, cells };
}

test('the function made for a table writes what the loop over its columns writes, also of images that are cut off', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.nat(), fc.boolean(), (row, cut, isCut) => {
      const columns = row.map(({ of }) => of.column);
      const decoders = row.map(({ of, captured }) => (captured ? cellsOf(of.column, { sourceType: of.sourceType }).decoder : null));
      const nulls = new Uint8Array((row.length + 7) >> 3);
      for (const [column, { isNull }] of row.entries()) if (isNull) nulls[column >> 3]! |= 1 << (column & 7);
      const whole = Buffer.concat([nulls, ...row.filter(({ isNull }) => !isNull).map(({ of }) => of.logged)]);
      const image = isCut ? whole.subarray(0, cut % whole.length) : whole;
      const map = { tableId: 1, database: 'd', name: 't', columns, primaryKey: null, invisible: null };
      const table = { namespace: 'd', name: 't', version: 1, columns: [], key: [] };
      const bound = bindTable(map, { table, decoders, skip: false });
      const present = new Uint8Array(row.length).fill(1);
      const loop = cellsAfter(image, (writer, start, end) => writeImage(writer.data, start, end, present, nulls.length, bound, writer, Image.before));
      const made = cellsAfter(image, (writer, start, end) => {
        const at = bound.whole!.write(writer.data, start, end, writer);
        if (at < 0) throw cutOff();
        return at;
      });
      expect(made).toEqual(loop);
    }),
    { seed: testSeed, numRuns: 1000 },
  );
});

test('there is none for a table of very many columns', () => {
  expect(ImageWriter.for(Array.from({ length: 1025 }, () => null), new Int16Array(1025))).toBeNull();
});
