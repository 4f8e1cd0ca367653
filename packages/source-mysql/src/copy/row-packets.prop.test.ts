import { BatchWriter, Op, RowCursor, type Batch, type Table } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowPackets } from './row-packets.ts';
import { writeTextRow } from './text-row.ts';

const table: Table = {
  namespace: 'd',
  name: 't',
  version: 1,
  columns: ['a', 'b', 'c'].map((name) => ({ name, type: { kind: 'bytes' }, nullable: true, sourceType: 'blob' })),
  key: [],
};
/** Rows longer than that come in several packets. */
const MAX_PACKET = 40;
const NULL = Buffer.from([0xfb]);

function cellBytes(cell: Uint8Array | null): Buffer {
  if (cell === null) return NULL;
  const { length } = cell;
  if (length < 0xfb) return Buffer.concat([Buffer.from([length]), cell]);
  return Buffer.concat([Buffer.from([0xfc, length & 0xff, length >> 8]), cell]);
}

/** A message as packets, the last of them shorter than the longest. */
function packets(message: Buffer, sequence: { next: number }, maxPacket: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at <= message.length; at += maxPacket) {
    const part = message.subarray(at, at + maxPacket);
    parts.push(Buffer.from([part.length & 0xff, part.length >> 8, part.length >> 16, sequence.next++ & 0xff]), part);
  }
  return Buffer.concat(parts);
}

const END = Buffer.from([0xfe, 0, 0, 2, 0]);

function answer(rows: readonly (readonly (Uint8Array | null)[])[]): Buffer {
  const sequence = { next: 1 };
  const head = [Buffer.from([3]), Buffer.from('column a'), Buffer.from('column b'), Buffer.from('column c'), END];
  const messages = [...head, ...rows.map((row) => Buffer.concat(row.map(cellBytes))), END];
  return Buffer.concat(messages.map((message) => packets(message, sequence, MAX_PACKET)));
}

/** Takes an answer in pieces; a batch is closed at every so many rows. */
function read(pieces: readonly Buffer[], rowsPerBatch: number): { readonly batches: Batch[]; readonly isWhole: boolean } {
  const writer = new BatchWriter();
  const batches: Batch[] = [];
  const found: RowPackets = new RowPackets(
    writer,
    (start, end) => {
      if (writer.rows === 0) writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
      writer.beginRow(Op.read, writer.tableIndex(table), 0, writer.rows + 1);
      writer.beginAfter();
      writeTextRow(writer, [null, null, null], start, end);
      if (writer.rows === rowsPerBatch) batches.push(found.close(null));
    },
    'reading t',
    MAX_PACKET,
  );
  let isWhole = false;
  for (const piece of pieces) isWhole = found.arrived(piece) || isWhole;
  if (writer.rows > 0) batches.push(found.close(null));
  return { batches, isWhole };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const cell = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const row = fc.tuple(cell, cell, cell);

describe('an answer', () => {
  it('is its rows, however it is cut into packets and reads', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), fc.array(fc.nat(), { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (rows, places, rowsPerBatch) => {
        const { batches, isWhole } = read(cut(answer(rows), places), rowsPerBatch);
        expect(isWhole).toBe(true);
        const cells = batches.flatMap((batch) => Array.from(new RowCursor(batch), ({ after }) => [0, 1, 2].map((column) => hex(after.bytes(column)))));
        expect(cells).toEqual(rows.map((each) => each.map(hex)));
      }),
      { seed: testSeed, numRuns: 200 },
    );
  });

  it('that is damaged anywhere is rows or a coded error, and never more than it has', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), fc.nat(), fc.nat(255), (rows, place, value) => {
        const bytes = answer(rows);
        bytes[place % bytes.length] = value;
        try {
          const { batches } = read([bytes], 100);
          for (const batch of batches) for (const { after } of new RowCursor(batch)) for (const column of [0, 1, 2]) after.bytes(column);
        } catch (error) {
          expect(error).toHaveProperty('code', expect.stringMatching(/^WEIR_MYSQL_/u));
        }
      }),
      { seed: testSeed, numRuns: 1000 },
    );
  });

  it('that is an error is a coded one', () => {
    const error = Buffer.concat([Buffer.from([0xff, 0x76, 0x04]), Buffer.from('#42000no right')]);
    expect(() => read([packets(error, { next: 1 }, MAX_PACKET)], 1)).toThrow(expect.objectContaining({ code: 'WEIR_MYSQL_GRANT', message: 'reading t: no right' }));
  });
});

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex');
}
