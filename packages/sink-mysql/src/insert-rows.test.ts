import { STATEMENT_HEADER, type MysqlClient } from '@weir/mysql';
import type { Column, Table } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { columnEncoder } from './column-encoders.ts';
import type { WrittenCell } from '@weir/sql-sink';
import { InsertRows, insertFrames } from './insert-rows.ts';

const column: Column = { name: 'value', type: { kind: 'string' }, nullable: true, sourceType: 'text' };
const table: Table = { namespace: 'public', name: 't', version: 1, key: [], columns: [column] };
const columns: WrittenCell[] = [{ index: 0, encoder: columnEncoder({ kind: 'text' }, table, 'value') }];

/** A connection that keeps what it is sent, and answers a turn later. */
class Sent {
  readonly statements: string[] = [];
  fails = false;

  readonly client = {
    send: async (frame: Buffer, end: number): Promise<void> => {
      const before = frame.toString('utf8', STATEMENT_HEADER, end);
      await new Promise((resolve) => setImmediate(resolve));
      expect(frame.toString('utf8', STATEMENT_HEADER, end)).toBe(before);
      if (this.fails) throw new Error('refused');
      this.statements.push(before);
    },
  } as unknown as MysqlClient;
}

function cellsOf(texts: readonly (string | null)[]): { data: Buffer; start: Int32Array; length: Int32Array } {
  const start = new Int32Array(texts.length);
  const length = new Int32Array(texts.length);
  let at = 0;
  texts.forEach((text, index) => {
    start[index] = at;
    length[index] = text === null ? -1 : Buffer.byteLength(text);
    at += Math.max(0, length[index]);
  });
  return { data: Buffer.from(texts.map((text) => text ?? '').join('')), start, length };
}

async function insert(sent: Sent, texts: readonly (string | null)[], packetBytes: number): Promise<void> {
  const rows = new InsertRows(sent.client, 'INSERT INTO t VALUES', insertFrames(packetBytes), packetBytes);
  const cells = cellsOf(texts);
  for (let image = 0; image < texts.length; image++) {
    const waiting = rows.row([image, Buffer.from("a'b"), 'plain', null], cells, image, columns, false);
    if (waiting !== null) await waiting;
  }
  await rows.end();
}

describe('rows that are inserted', () => {
  it('go many at once', async () => {
    const sent = new Sent();
    await insert(sent, ['x', null, "it's"], 1 << 20);
    expect(sent.statements).toEqual([
      "INSERT INTO t VALUES (0,'a\\'b','plain',NULL,'x'),(1,'a\\'b','plain',NULL,NULL),(2,'a\\'b','plain',NULL,'it\\'s')",
    ]);
  });

  it('go in statements that fit a packet, a frame being filled while the other is under way (invariant 8)', async () => {
    const sent = new Sent();
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index} `.repeat(index % 7));
    await insert(sent, texts, 1024);
    expect(sent.statements.length).toBeGreaterThan(10);
    expect(Math.max(...sent.statements.map((statement) => statement.length))).toBeLessThanOrEqual(1024);
    const values = sent.statements.map((statement) => statement.replace('INSERT INTO t VALUES ', '')).join(',');
    expect(values.match(/\(\d+,/g)?.map((start) => Number(start.slice(1, -1)))).toEqual(texts.map((_, index) => index));
  });

  it('that are larger than a frame go alone, and those behind them as before', async () => {
    const sent = new Sent();
    const large = 'ü'.repeat(2 << 20);
    await insert(sent, ['first', large, 'last'], 64 << 20);
    expect(sent.statements.map((statement) => Buffer.byteLength(statement) > 4 << 20)).toEqual([false, true, false]);
    expect(sent.statements[1]).toContain(`'${large}'`);
  });

  it('that are larger than the server takes are refused with the bytes, not the value (invariant 10)', async () => {
    const failure = insert(new Sent(), ['secret'.repeat(1000)], 4096);
    await expect(failure).rejects.toMatchObject({ code: 'WEIR_MYSQL_PACKET', message: expect.not.stringContaining('secret') as string });
  });

  it('hold no unchanged cell unless something else says so', () => {
    const cells = { data: Buffer.alloc(0), start: Int32Array.of(0), length: Int32Array.of(-2) };
    const rows = new InsertRows(new Sent().client, 'INSERT INTO t VALUES', insertFrames(4096), 4096);
    expect(() => rows.row([], cells, 0, columns, false)).toThrow(expect.objectContaining({ code: 'WEIR_SDK_USE' }) as Error);
    expect(rows.row([], cells, 0, columns, true)).toBeNull();
  });

  it('that the server refuses end in its error', async () => {
    const sent = new Sent();
    sent.fails = true;
    await expect(insert(sent, ['x'], 4096)).rejects.toThrow('refused');
  });
});
