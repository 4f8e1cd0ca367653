import { describe, expect, it } from 'vitest';
import { roomForColumns, roomForLog, vacuumTasks } from './room.ts';

describe('the groups of rows that a checkpoint joins', () => {
  it('are as many as DuckDB would where each thread has memory for all columns, and else as many as fit', () => {
    const GIB = 2 ** 30;
    expect(vacuumTasks(GIB, 20, 16)).toBe(100);
    expect(vacuumTasks(GIB, 200, 16)).toBe(8);
    expect(vacuumTasks(roomForColumns(1000), 1000, 16)).toBe(2);
    expect(vacuumTasks(GIB, 10_000, 16)).toBe(1);
  });
});

describe('the log between two checkpoints', () => {
  it('grows with the tables, from what DuckDB lets gather by itself up to 64 MiB', () => {
    expect([1, 100, 500, 1000, 20_000].map((tables) => roomForLog(tables))).toEqual([
      2 ** 24,
      2 ** 24,
      500 * 2 ** 16,
      1000 * 2 ** 16,
      64 * 2 ** 20,
    ]);
  });
});
