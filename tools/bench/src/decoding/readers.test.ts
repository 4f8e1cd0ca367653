import { describe, expect, it } from 'vitest';
import { logReader } from './log-reader.ts';
import { batchReader, walkCells, walkFrames } from './readers.ts';
import { sentLog } from './sent-log.ts';
import { narrow, sentRows, wide } from './sent-rows.ts';

describe.each([narrow, wide])('rows of $name', (shape) => {
  const rows = 2500;
  const bytes = sentRows(shape, rows);

  it('are all found by a walk over the frames', () => {
    expect(walkFrames(bytes)).toBe(rows);
  });

  it('have every cell found by a walk over the cells', () => {
    const texts = Array.from({ length: rows }, (_, id) => shape.cells(id).filter((cell) => cell !== null).length);
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
});
