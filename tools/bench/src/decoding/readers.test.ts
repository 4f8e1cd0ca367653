import type { Batch } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { logReader } from './log-reader.ts';
import { batchReader, walkCells, walkFrames } from './readers.ts';
import { sentLog } from './sent-log.ts';
import { narrow, ofOneKind, sentRows, typed, wide } from './sent-rows.ts';

describe.each([narrow, wide, typed, ...ofOneKind])('rows of $name', (shape) => {
  const rows = 2500;
  const bytes = sentRows(shape, rows);

  it('are all found by a walk over the frames', () => {
    expect(walkFrames(bytes)).toBe(rows);
  });

  it('have every cell found by a walk over the cells', () => {
    const texts = Array.from({ length: rows }, (_, id) => shape.columns.filter((column) => column.text(id) !== null).length);
    expect(walkCells(bytes)).toBe(texts.reduce((sum, count) => sum + count));
  });

  it('are all decoded, again and again by the same decoder', () => {
    const read = batchReader(shape);
    expect([read(bytes), read(bytes)]).toEqual([rows, rows]);
  });

  it('are all decoded out of a binary log, again and again', () => {
    const log = sentLog(shape, rows);
    const read = logReader(shape);
    expect([read(log), read(log)]).toEqual([rows, rows]);
  });

  it('are the same cells out of both', () => {
    const ofMessages: string[][] = [];
    const ofLog: string[][] = [];
    batchReader(shape, (batch) => ofMessages.push(...cellsOf(batch)))(bytes);
    logReader(shape, (batch) => ofLog.push(...cellsOf(batch)))(sentLog(shape, rows));
    expect(ofLog).toHaveLength(rows);
    expect(ofLog).toEqual(ofMessages);
  });
});

/** The cells of each row; that of a NULL is its mark. */
function cellsOf({ rows, tables, after, start, length, data }: Batch): string[][] {
  const cell = (at: number): string => (length[at]! < 0 ? String(length[at]) : Buffer.from(data.subarray(start[at], start[at]! + length[at]!)).toString());
  return Array.from({ length: rows }, (_, row) => tables[0]!.columns.map((_column, column) => cell(after[row]! + column)));
}
