import { describe, expect, test } from 'vitest';
import { BATCH_BYTES, BATCH_ROWS, Spill } from './batch-storage.ts';
import { BatchWriter } from './batch-writer.ts';
import { NO_IMAGE, NULL_CELL, Op, UNCHANGED_CELL, type Batch, type Commit } from './batch.ts';
import type { Table } from './table.ts';

const commit: Commit = { position: 'a', version: 1n, time: 5, transactionId: '1' };
const checkpoint = { position: 'b', state: null };
const column = { name: 'id', type: { kind: 'string' }, nullable: true, sourceType: 'text' } as const;
const table: Table = { namespace: 'public', name: 't', version: 1, columns: [column], key: [0] };

/** Rows of a storage that goes with its batch rather than being copied. */
const MANY_ROWS = BATCH_ROWS / 2;

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(batch: Batch, cell: number): string {
  const start = batch.start[cell]!;
  return new TextDecoder().decode(batch.data.subarray(start, start + batch.length[cell]!));
}

function texts(batch: Batch): string[] {
  return Array.from({ length: batch.rows }, (_, row) => text(batch, batch.after[row]!));
}

function insert(writer: BatchWriter, value: string): void {
  const start = writer.append(bytes(value));
  writer.beginRow(Op.insert, writer.tableIndex(table), 0, writer.rows + 1);
  writer.beginAfter();
  writer.cell(start, bytes(value).length);
}

function fill(writer: BatchWriter, rows: number, value: (row: number) => string): void {
  for (let row = 0; row < rows; row++) insert(writer, value(row));
}

function manyCells(writer: BatchWriter): void {
  for (let row = 0; row < BATCH_ROWS; row++) {
    writer.beginRow(Op.insert, writer.tableIndex(table), 0, row);
    writer.beginAfter();
    for (let cell = 0; cell < 70; cell++) writer.nullCell();
  }
}

describe('the row that was begun last', () => {
  function update(writer: BatchWriter): void {
    writer.beginRow(Op.update, writer.tableIndex(table), writer.addCommit(commit), 1);
    writer.beginBefore();
    writer.spill.ascii('old');
    writer.spilledCell(0);
    writer.beginAfter();
    writer.cell(writer.append(bytes('new')), 3);
    writer.unchangedCell();
  }

  test('can be looked at, cells of the slab and of the spill alike', () => {
    const writer = new BatchWriter();
    insert(writer, 'before it');
    update(writer);
    const { op, before, after } = writer.lastRow;
    expect(op).toBe(Op.update);
    expect([before, after].map((cell) => Buffer.from(writer.cellAt(cell) as Uint8Array).toString())).toEqual(['old', 'new']);
    expect(writer.cellAt(after + 1)).toBe(UNCHANGED_CELL);
  });

  test('can become the delete or the insert that an update is made of', () => {
    const writer = new BatchWriter();
    update(writer);
    writer.turnIntoDelete();
    const deleted = writer.close(null);
    expect([deleted.op[0], deleted.after[0], text(deleted, deleted.before[0]!)]).toEqual([Op.delete, NO_IMAGE, 'old']);
    update(writer);
    writer.turnIntoInsert();
    const inserted = writer.close(null);
    expect([inserted.op[0], inserted.before[0], text(inserted, inserted.after[0]!)]).toEqual([Op.insert, NO_IMAGE, 'new']);
  });
});

describe('the cells of a batch', () => {
  test('lie in the slab or in the spill, are NULL or unchanged', () => {
    const writer = new BatchWriter();
    const slab = writer.append(bytes('slab'));
    writer.beginRow(Op.update, writer.tableIndex(table), writer.addCommit(commit), 1);
    writer.beginBefore();
    writer.spill.ascii('first spilled');
    writer.spilledCell(0);
    writer.beginAfter();
    writer.cell(slab, 4);
    writer.nullCell();
    writer.unchangedCell();
    const from = writer.spill.length;
    writer.spill.bytes(bytes('--second--'), 2, 8);
    writer.spill.byte(0x21);
    writer.spilledCell(from);
    const batch = writer.close(checkpoint);
    expect([batch.before[0], batch.after[0]]).toEqual([0, 1]);
    expect([text(batch, 0), text(batch, 1), text(batch, 4)]).toEqual(['first spilled', 'slab', 'second!']);
    expect([batch.length[2], batch.length[3]]).toEqual([NULL_CELL, UNCHANGED_CELL]);
  });

  test('of the image before are repeated, wherever they lie', () => {
    const writer = new BatchWriter();
    const slab = writer.append(bytes('slab'));
    writer.beginRow(Op.update, writer.tableIndex(table), 0, 1);
    writer.beginBefore();
    writer.cell(slab, 4);
    writer.spill.ascii('spilled');
    writer.spilledCell(0);
    writer.nullCell();
    writer.beginAfter();
    for (const cell of [0, 1, 2]) writer.repeatBefore(cell);
    const batch = writer.close(null);
    const after = batch.after[0]!;
    expect([text(batch, after), text(batch, after + 1), batch.length[after + 2]]).toEqual(['slab', 'spilled', NULL_CELL]);
  });

  test('of a row that is taken back are gone, and what follows is right', () => {
    const writer = new BatchWriter();
    insert(writer, 'kept');
    writer.spill.ascii('kept too');
    writer.beginRow(Op.insert, 0, 0, 2);
    writer.beginAfter();
    writer.spilledCell(0);
    const from = writer.spill.length;
    writer.spill.ascii('dropped');
    writer.beginRow(Op.update, 0, 0, 3);
    writer.beginBefore();
    writer.spilledCell(from);
    writer.beginAfter();
    writer.nullCell();
    writer.dropRow();
    const next = writer.spill.length;
    expect(next).toBe(from);
    writer.spill.ascii('next');
    writer.beginRow(Op.insert, 0, 0, 3);
    writer.beginAfter();
    writer.spilledCell(next);
    const batch = writer.close(null);
    expect(texts(batch)).toEqual(['kept', 'kept too', 'next']);
    expect(batch.length.length).toBe(3);
  });

  test('a row without images has none, also when it is taken back', () => {
    const writer = new BatchWriter();
    writer.beginRow(Op.truncate, writer.tableIndex(table), 0, 1);
    writer.beginRow(Op.truncate, 0, 0, 2);
    writer.dropRow();
    const batch = writer.close(null);
    expect([batch.rows, batch.after[0], batch.before[0]]).toEqual([1, NO_IMAGE, NO_IMAGE]);
  });
});

describe('closing', () => {
  test('gives everything to the batch and starts the next from nothing', () => {
    const writer = new BatchWriter();
    writer.addSchemaChange({ table, change: 'create' });
    writer.skip(3);
    writer.skip(4);
    writer.addCommit(commit);
    insert(writer, 'a');
    expect([writer.pending, writer.sequence]).toEqual([true, 0]);
    const chunk = { table: 0, range: null, last: true };
    const batch = writer.close(checkpoint, { chunk });
    expect(batch).toMatchObject({ tables: [table], commits: [commit], skipped: 7, checkpoint, chunk, rows: 1 });
    expect(batch.schemaChanges).toEqual([{ table, change: 'create' }]);
    expect([writer.pending, writer.sequence, writer.rows, writer.used]).toEqual([false, 1, 0, 0]);
    const empty = { tables: [], commits: [], schemaChanges: [], skipped: 0, chunk: null, rows: 0 };
    expect(writer.close(null)).toMatchObject(empty);
  });

  test('counts tables and commits anew for each batch', () => {
    const writer = new BatchWriter();
    const other: Table = { ...table, version: 2 };
    expect([table, other, table, other].map((each) => writer.tableIndex(each))).toEqual([0, 1, 0, 1]);
    writer.close(null);
    expect([other, table].map((each) => writer.tableIndex(each))).toEqual([0, 1]);
    expect([writer.addCommit(commit), writer.addCommit(commit)]).toEqual([0, 1]);
  });

  test.each([10, MANY_ROWS])('keeps the bytes of an incomplete message for the next batch (%i rows)', (rows) => {
    const writer = new BatchWriter();
    fill(writer, rows, (row) => `r${row}`);
    writer.spill.ascii('spilled');
    writer.beginRow(Op.insert, 0, 0, rows + 1);
    writer.beginAfter();
    writer.spilledCell(0);
    const keepFrom = writer.append(bytes('incomplete'));
    const batch = writer.close(null, { keepFrom });
    expect([batch.data.length, writer.used]).toEqual([keepFrom + 'spilled'.length, 10]);
    expect(new TextDecoder().decode(writer.data.subarray(0, 10))).toBe('incomplete');
    writer.append(bytes(' no more'));
    writer.beginRow(Op.insert, writer.tableIndex(table), 0, 1);
    writer.beginAfter();
    writer.cell(0, 18);
    expect(texts(writer.close(null))).toEqual(['incomplete no more']);
    expect(texts(batch)).toEqual([...Array.from({ length: rows }, (_, row) => `r${row}`), 'spilled']);
  });

  test('forgets the end of the slab on request', () => {
    const writer = new BatchWriter();
    const kept = writer.append(bytes('kept'));
    writer.append(bytes('dropped'));
    writer.truncate(kept + 4);
    expect(writer.append(bytes('next'))).toBe(4);
  });
});

describe('limits', () => {
  test('a batch is full at its rows', () => {
    const writer = new BatchWriter();
    fill(writer, BATCH_ROWS - 1, () => '');
    expect(writer.isFull()).toBe(false);
    insert(writer, '');
    expect(writer.isFull()).toBe(true);
  });

  test('a batch is full at its bytes, the spill included, or at those that are asked about', () => {
    const writer = new BatchWriter();
    writer.append(new Uint8Array(BATCH_BYTES - 10));
    expect(writer.isFull()).toBe(false);
    writer.spill.ascii('0123456789');
    expect(writer.isFull()).toBe(true);
    expect(writer.isFull(100)).toBe(false);
  });

  test('rows, cells, slab and spill grow beyond what they were made for, and lose nothing', () => {
    const writer = new BatchWriter();
    const rows = BATCH_ROWS * 3;
    for (let row = 0; row < rows; row++) {
      writer.beginRow(Op.insert, writer.tableIndex(table), row, row + 1);
      writer.beginAfter();
      for (let cell = 0; cell < 9; cell++) writer.cell(writer.append(bytes(`${row}.${cell}`)), `${row}.${cell}`.length);
    }
    writer.spill.ascii('x'.repeat(100_000));
    writer.beginRow(Op.insert, 0, rows, rows + 1);
    writer.beginAfter();
    writer.spilledCell(0);
    const batch = writer.close(null);
    expect(batch.rows).toBe(rows + 1);
    for (const row of [0, 1, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS * 2, rows - 1]) {
      const last = text(batch, batch.after[row]! + 8);
      expect([batch.commit[row], batch.ordinal[row], last]).toEqual([row, row + 1, `${row}.8`]);
    }
    expect(text(batch, batch.after[rows]!)).toBe('x'.repeat(100_000));
  });

  test('room for a large message is made once and keeps what is there', () => {
    const writer = new BatchWriter();
    writer.append(bytes('head'));
    writer.reserve(5_000_000);
    const { data } = writer;
    expect(writer.append(new Uint8Array(5_000_000).fill(7))).toBe(4);
    expect(writer.data).toBe(data);
    expect([...writer.data.subarray(0, 5)]).toEqual([...bytes('head'), 7]);
  });
});

describe('memory', () => {
  function held(batch: Batch): number {
    const { op, table: tables, commit: commits, ordinal, after, before, data, start, length } = batch;
    const arrays = [op, tables, commits, ordinal, after, before, data, start, length];
    return arrays.reduce((sum, array) => sum + array.buffer.byteLength, 0);
  }

  test.each([0, 1, 100, MANY_ROWS, BATCH_ROWS * 3])('a batch of %i rows counts what it holds (invariant 8)', (rows) => {
    const writer = new BatchWriter();
    fill(writer, rows, (row) => `r${row}`);
    const batch = writer.close(null);
    expect(batch.bytes).toBe(held(batch));
  });

  test('a small batch is a copy that holds little', () => {
    const writer = new BatchWriter();
    insert(writer, 'a');
    const batch = writer.close(null);
    expect(batch.bytes).toBeLessThan(100);
    insert(writer, 'b');
    expect(texts(batch)).toEqual(['a']);
  });

  test('a released storage is used again, and only then', () => {
    const writer = new BatchWriter();
    fill(writer, MANY_ROWS, (row) => `a${row}`);
    const a = writer.close(null);
    fill(writer, MANY_ROWS, (row) => `b${row}`);
    const b = writer.close(null);
    expect(b.data.buffer).not.toBe(a.data.buffer);
    expect(texts(a)[7]).toBe('a7');
    a.release();
    writer.close(null);
    fill(writer, MANY_ROWS, (row) => `c${row}`);
    const c = writer.close(null);
    fill(writer, MANY_ROWS, (row) => `d${row}`);
    const d = writer.close(null);
    expect([c.data.buffer, d.data.buffer]).toContain(a.data.buffer);
    expect(texts(b)[7]).toBe('b7');
  });

  test('a batch released twice gives its storage back once', () => {
    const writer = new BatchWriter();
    fill(writer, MANY_ROWS, () => 'a');
    const batch = writer.close(null);
    batch.release();
    batch.release();
    const buffers = Array.from({ length: 10 }, () => {
      fill(writer, MANY_ROWS, () => 'b');
      return writer.close(null).data.buffer;
    });
    expect(new Set(buffers).size).toBe(buffers.length);
  });

  test.each([
    ['slab', (writer: BatchWriter) => writer.append(new Uint8Array(BATCH_BYTES * 3))],
    ['rows', (writer: BatchWriter) => fill(writer, BATCH_ROWS * 3, () => '')],
    ['cells', manyCells],
  ])('a storage with unusually many %s does not stay in the pool', (_what, grow) => {
    const writer = new BatchWriter();
    grow(writer);
    fill(writer, MANY_ROWS, () => 'a');
    const large = writer.close(null);
    large.release();
    const buffers = Array.from({ length: 20 }, () => {
      fill(writer, MANY_ROWS, () => 'b');
      return writer.close(null).data.buffer;
    });
    expect(buffers).not.toContain(large.data.buffer);
  });

  test('an unusually large slab is given back to the system as soon as its batch is released', () => {
    const writer = new BatchWriter();
    writer.append(new Uint8Array(BATCH_BYTES * 3));
    insert(writer, 'a');
    const large = writer.close(null);
    expect(large.data.length).toBeGreaterThan(BATCH_BYTES * 3);
    large.release();
    large.release();
    expect(large.data.length).toBe(0);
  });

  test('neither does it stay with the writer when its batch was small', () => {
    const writer = new BatchWriter();
    writer.reserve(BATCH_BYTES * 30);
    writer.truncate(0);
    insert(writer, 'a');
    expect(texts(writer.close(null))).toEqual(['a']);
    expect(writer.data.length).toBeLessThanOrEqual(BATCH_BYTES * 2);
  });

  test('a spill makes room for bytes that are written afterwards', () => {
    const spill = new Spill();
    spill.ascii('before');
    const from = spill.extend(5000);
    expect([from, spill.length, spill.data.length >= 5006]).toEqual([6, 5006, true]);
    spill.data.fill(0x78, from, from + 5000);
    expect(new TextDecoder().decode(spill.data.subarray(0, spill.length))).toBe(`before${'x'.repeat(5000)}`);
  });

  test('nor does an unusually large spill', () => {
    const spill = new Spill();
    spill.bytes(new Uint8Array(BATCH_BYTES * 4), 0, BATCH_BYTES * 4);
    spill.clear();
    expect([spill.length, spill.data.length < BATCH_BYTES]).toEqual([0, true]);
    spill.ascii('again');
    expect(new TextDecoder().decode(spill.data.subarray(0, spill.length))).toBe('again');
  });
});
