import { BatchWriter, NO_TABLE, Op, WeirError } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { column } from '../testing/decoded.ts';
import { columnValue } from '../testing/column-values.ts';
import { encodeJson, type JsonInput } from '../testing/encode-json.ts';
import { encodeBytes } from '../encoding/encode-value.ts';
import type { CellDecoder } from './cell-decoder.ts';
import { cellDecoder } from './column-cells.ts';
import { JsonCell } from './json-cell.ts';
import { MysqlType } from './mysql-type.ts';

const parameters = { seed: testSeed, numRuns: 3000 };
const types = [...Object.values(MysqlType), 0, 6, 20];
const sourceTypes = [null, 'uuid', 'inet4', 'inet6', 'vector(3)', 'json', 'year(2)', 'varbinary(9)'];

const anyColumn = fc
  .record({
    type: fc.constantFrom(...types),
    meta: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(...[247, 248, 254].map((type) => type | 256))),
    collation: fc.constantFrom(null, 8, 13, 45, 54, 60, 63, 84, 249, 255),
    sourceType: fc.constantFrom(...sourceTypes),
    unsigned: fc.boolean(),
  })
  .map(({ type, meta, collation, sourceType, unsigned }) => ({
    of: column(type, meta, { collation, unsigned, values: [new Uint8Array([97]), new Uint8Array([98])] }),
    sourceType,
  }));

const documents: JsonInput[] = [
  new Map([['a', [1n, 'text', { double: 0.5 }, { opaque: MysqlType.newDecimal, bytes: Buffer.from([3, 1, 0x80, 0x7b]) }]]]),
  [1n, [70_000n, 'the last is a string']],
  'a string alone',
  new Map<string, JsonInput>([['x', new Map<string, JsonInput>([['y', 2n ** 40n], ['zz', [true, null]]])]]),
  [{ opaque: MysqlType.blob, bytes: Buffer.from('bytes at the end') }],
];

const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 12 }).map((more) => Uint8Array.from([more.length, ...more])));

/** The offset behind the value, or the error's code; anything but a WeirError is thrown on. */
function outcome(work: () => number): number | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof WeirError) return error.code;
    throw error;
  }
}

const writer = new BatchWriter();

/** What a decoder does with bytes, with others behind their end. */
function attempt(decoder: CellDecoder, value: Uint8Array, behind: number): { end: number | string; passed: number | string; cell: string } {
  writer.append(Uint8Array.from([...value, ...new Uint8Array(32).fill(behind)]));
  writer.beginRow(Op.insert, NO_TABLE, 0, 1);
  writer.beginAfter();
  const end = outcome(() => decoder.write(writer.data, 0, value.length, writer));
  const passed = outcome(() => decoder.pass(writer.data, 0, value.length));
  const cell = typeof end === 'string' ? '' : String(writer.cellAt(writer.lastRow.after));
  if (typeof end === 'string') expect(writer.spill.length, 'an error leaves nothing behind').toBe(0);
  writer.dropRow();
  writer.truncate(0);
  writer.spill.length = 0;
  return { end, passed, cell };
}

function expectSound(decoder: CellDecoder, value: Uint8Array): void {
  const seen = attempt(decoder, value, 0);
  expect(attempt(decoder, value, 0xff), 'no byte behind the end matters').toEqual(seen);
  if (typeof seen.end === 'number') {
    expect(seen.passed).toBe(seen.end);
    expect(seen.end).toBeLessThanOrEqual(value.length);
  } else {
    expect(seen.end).toBe('WEIR_BINLOG_DAMAGED');
  }
}

describe('random bytes', () => {
  it('are a value or damage, for any column', () => {
    fc.assert(
      fc.property(anyColumn, bytes, ({ of, sourceType }, value) => {
        let decoder: CellDecoder;
        try {
          ({ decoder } = cellDecoder(of, { sourceType, characterSet: null, labels: null, zeroDates: 'null' }));
        } catch (error) {
          expect(error).toBeInstanceOf(WeirError);
          return;
        }
        expectSound(decoder, value);
      }),
      parameters,
    );
  });

  it('are a document or damage, also where only some bytes of one changed or lack at its end', () => {
    const decoder = new JsonCell('c', 4);
    const changes = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom('more', 'less'))), { maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...documents), changes, fc.oneof(fc.constant(0), fc.nat({ max: 9 })), (document, all, lacking) => {
        const value = encodeJson(document);
        for (const [place, to] of all) {
          const at = place % value.length;
          value[at] = to === 'more' ? value[at]! + 1 : to === 'less' ? value[at]! - 1 : to;
        }
        expectSound(decoder, encodeBytes(value.subarray(0, Math.max(0, value.length - lacking)), 4));
      }),
      parameters,
    );
  });

  it('that are cut off are damage', () => {
    fc.assert(
      fc.property(columnValue, fc.nat(), ({ column: of, sourceType, logged }, cut) => {
        const { decoder } = cellDecoder(of, { sourceType, characterSet: null, labels: null, zeroDates: 'null' });
        const length = cut % logged.length;
        expect(attempt(decoder, logged.subarray(0, length), 0).end).toBe('WEIR_BINLOG_DAMAGED');
        expectSound(decoder, logged.subarray(0, length));
      }),
      parameters,
    );
  });
});
