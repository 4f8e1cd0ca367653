import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStateFile, stateFile } from './sqlite-file.ts';

let directory: string;
/** Paths that were synced, and those of descriptors that are open; everything is done for real, too. */
let synced: string[];
let open: Map<number, string>;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'weir-file-'));
  synced = [];
  open = new Map();
  const { openSync, fsyncSync, closeSync } = fs;
  vi.spyOn(fs, 'openSync').mockImplementation((path, flags, mode) => {
    const descriptor = openSync(path, flags, mode);
    open.set(descriptor, String(path));
    return descriptor;
  });
  vi.spyOn(fs, 'fsyncSync').mockImplementation((descriptor) => {
    synced.push(open.get(descriptor) ?? 'nothing');
    fsyncSync(descriptor);
  });
  vi.spyOn(fs, 'closeSync').mockImplementation((descriptor) => {
    open.delete(descriptor);
    closeSync(descriptor);
  });
  syncBuiltinESMExports();
});
afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  fs.rmSync(directory, { recursive: true, force: true });
});

describe('a new directory', () => {
  test('lasts: its entry is put on the disk, and that of each parent that was made', () => {
    const state = join(directory, 'a', 'b', 'c');
    openStateFile(state).close();
    expect(synced).toEqual([dirname(state), join(directory, 'a'), directory]);
    expect(open.size, 'no file stays open').toBe(0);
  });

  test('is none when it was there before', () => {
    openStateFile(directory).close();
    expect([synced, open.size]).toEqual([[], 0]);
  });
});

describe('a file that another process holds for a moment', () => {
  /** Another connection, which keeps the file for itself. */
  function holding(): DatabaseSync {
    const other = new DatabaseSync(stateFile(directory));
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return other;
  }

  test('is opened when that has let go', () => {
    const other = holding();
    const [now, pauses] = [vi.spyOn(performance, 'now').mockReturnValue(0), vi.spyOn(Atomics, 'wait')];
    pauses.mockImplementation(() => {
      if (pauses.mock.calls.length === 3) other.close();
      return 'timed-out';
    });
    openStateFile(directory).close();
    expect(pauses.mock.calls.length).toBe(3);
    for (const [, , , ms] of pauses.mock.calls) {
      expect(ms, 'unequal pauses, so that of two that start together one gets through').toBeGreaterThanOrEqual(5);
      expect(ms).toBeLessThan(25);
    }
    expect(now).toHaveBeenCalled();
  });

  test('is refused when it has not within a quarter of a second', () => {
    using other = holding();
    let time = 1000;
    vi.spyOn(performance, 'now').mockImplementation(() => time);
    const pauses = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      time += 50;
      return 'timed-out';
    });
    expect(() => openStateFile(directory)).toThrow(expect.objectContaining({ code: 'WEIR_STORE_LOCKED', cause: expect.any(Error) as Error }));
    expect([pauses.mock.calls.length, other.isOpen]).toEqual([5, true]);
  });
});
