import { COPY_HEADER, type CopyWriter } from '@weir/postgres';
import { BatchBuilder, NO_IMAGE, unchanged, type Batch, type Column, type RowValues, type Table } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnEncoder } from './column-encoders.ts';
import type { Field } from '@weir/sql-sink';
import { CopyRows, copyFrames } from './copy-rows.ts';

const columns: readonly Column[] = [
  { name: 'text', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  { name: 'bytes', type: { kind: 'bytes' }, nullable: true, sourceType: 'bytea' },
  { name: 'list', type: { kind: 'array', of: { kind: 'string' } }, nullable: true, sourceType: 'text[]' },
];
const table: Table = { namespace: 'public', name: 't', version: 1, key: [], columns };
const cells = columns.map((_, index) => ({ index, encoder: columnEncoder(table, index) }));

/** A frame is this long; what is larger is sent in pieces. */
const FRAME = 128 * 1024;

/** Everything that is sent, and how large the largest frame was. */
async function sent(fill: (rows: CopyRows) => Promise<void>): Promise<{ text: string; largest: number }> {
  const frames: Buffer[] = [];
  const writer = { write: async (frame: Buffer) => void frames.push(Buffer.from(frame.subarray(COPY_HEADER))) };
  const rows = new CopyRows(writer as unknown as CopyWriter, copyFrames());
  await fill(rows);
  await rows.end();
  return { text: Buffer.concat(frames).toString(), largest: Math.max(0, ...frames.map(({ length }) => length)) };
}

function batchOf(values: readonly RowValues[]): Batch {
  const builder = new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
  for (const row of values) builder.insert(table, row);
  return builder.build(null);
}

async function copied(values: readonly RowValues[], fields: readonly Field[] = []) {
  const batch = batchOf(values);
  return await sent(async (rows) => {
    for (let row = 0; row < batch.rows; row++) await rows.row(fields, batch, batch.after[row]!, cells, false);
  });
}

describe('rows on their way to COPY', () => {
  it('are fields and cells between tabs, escaped, NULL as \\N', async () => {
    const { text } = await copied([
      { text: 'a\tb\n\\c', bytes: Uint8Array.of(0, 255), list: ['x', null, 'y "z"'] },
      { text: null, bytes: null, list: null },
      { text: '', bytes: new Uint8Array(0), list: [] },
    ], ['12', null, Buffer.from('{"a":"\\n"}')]);
    const fields = '12\t\\N\t{"a":"\\\\n"}\t';
    expect(text).toBe(
      `${fields}a\\tb\\n\\\\c\t\\\\x00ff\t{"x",NULL,"y \\\\"z\\\\""}\n${fields}\\N\t\\N\t\\N\n${fields}\t\\\\x\t{}\n`,
    );
  });

  it('without an image are NULL everywhere', async () => {
    const { text } = await sent(async (rows) => void (await rows.row(['truncate'], batchOf([]), NO_IMAGE, cells, false)));
    expect(text).toBe('truncate\t\\N\t\\N\t\\N\n');
  });

  it('that are inserted may hold no unchanged cell', async () => {
    const batch = batchOf([{ text: unchanged }]);
    const copy = async (allowed: boolean) =>
      await sent(async (rows) => void (await rows.row([], batch, batch.after[0]!, cells, allowed)));
    await expect(copy(false)).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
    expect((await copy(true)).text).toBe('\\N\t\\N\t\\N\n');
  });

  it('are refused, without their value, when they hold a NUL character (invariant 10)', async () => {
    const values = [{ text: 'secret\0' }, { list: ['secret\0'] }];
    for (const row of values) {
      const error: unknown = await copied([row]).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'WEIR_PG_VALUE', table: 'public.t' });
      expect(String(error)).not.toContain('secret');
    }
  });

  it(`of any size are the same text in frames of a bounded size (WEIR_SEED=${testSeed})`, async () => {
    const size = fc.oneof(
      fc.nat(40),
      fc.integer({ min: FRAME / 2 - 100, max: FRAME / 2 + 100 }),
      fc.integer({ min: FRAME - 100, max: FRAME + 100 }),
      fc.integer({ min: 2 * FRAME, max: 4 * FRAME }),
    );
    const row = fc.record({ text: size, bytes: size, list: size, field: size });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 5 }), async (sizes) => {
        const values = sizes.map(({ text, bytes, list }) => ({
          text: 'ä\t'.repeat(text / 3),
          bytes: new Uint8Array(bytes).map((_, i) => i % 251),
          list: ['"'.repeat(list / 2)],
        }));
        const batch = batchOf(values);
        const { text, largest } = await sent(async (rows) => {
          for (let i = 0; i < batch.rows; i++) {
            await rows.row(['7', Buffer.from('\\'.repeat(sizes[i]!.field))], batch, batch.after[i]!, cells, false);
          }
        });
        const expected = values.map(({ text: cell, bytes, list }, i) => {
          const element = '\\\\"'.repeat(list[0]!.length);
          const hex = Buffer.from(bytes).toString('hex');
          return `7\t${'\\\\'.repeat(sizes[i]!.field)}\t${cell.replaceAll('\t', '\\t')}\t\\\\x${hex}\t{"${element}"}\n`;
        });
        // Compared by length first: a difference of megabytes is no message.
        expect(text.length).toBe(expected.join('').length);
        expect(text === expected.join('')).toBe(true);
        expect(largest).toBeLessThanOrEqual(FRAME);
      }),
      { seed: testSeed, numRuns: 60 },
    );
  });
});
