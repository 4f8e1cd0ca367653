import { describe, expect, test } from 'vitest';
import { bindTable } from './binding.ts';
import { EventReader } from './event-reader.ts';
import { TableMaps } from './table-maps.ts';
import { pair } from './testing/tables.ts';

const bytes = Uint8Array.of(1, 2, 3);

/** A reader in front of these bytes, among others. */
function readerOf(...body: number[]): EventReader {
  const reader = new EventReader();
  reader.data = Uint8Array.of(9, ...body, 9);
  reader.at = 1;
  reader.end = 1 + body.length;
  return reader;
}

function announce(tables: TableMaps, tableId: number): void {
  tables.announce(bindTable({ ...pair, tableId }, null), bytes);
}

describe('the tables of a log', () => {
  test('are known to the statement that announces them', () => {
    const tables = new TableMaps();
    announce(tables, 1);
    expect(tables.get(1)).toMatchObject({ map: { tableId: 1 }, binding: null });
    expect(tables.get(2)).toBeNull();
    tables.endStatement();
    expect(tables.get(1)).toBeNull();
    expect(tables.announceKnown(1, readerOf(1, 2, 3))).toBe(true);
    expect(tables.get(1)).not.toBeNull();
  });

  test('are the same only by the same bytes', () => {
    const tables = new TableMaps();
    announce(tables, 1);
    tables.endStatement();
    for (const other of [[1, 2], [1, 2, 4], [1, 2, 3, 4]]) expect(tables.announceKnown(1, readerOf(...other))).toBe(false);
    expect(tables.announceKnown(2, readerOf(1, 2, 3))).toBe(false);
    tables.clear();
    expect(tables.announceKnown(1, readerOf(1, 2, 3))).toBe(false);
  });

  test('are bounded: those of earlier statements are forgotten, the oldest first (invariant 8)', () => {
    const tables = new TableMaps(20_000);
    for (let tableId = 1; tableId <= 500; tableId++) {
      tables.endStatement();
      announce(tables, tableId);
      expect(tables.get(tableId)).not.toBeNull();
      expect(tables.size).toBeLessThan(20);
    }
    expect(tables.announceKnown(1, readerOf(1, 2, 3))).toBe(false);
    expect(tables.announceKnown(499, readerOf(1, 2, 3))).toBe(true);
  });

  test('of one statement stay, as many as they are', () => {
    const tables = new TableMaps(20_000);
    for (let tableId = 1; tableId <= 100; tableId++) announce(tables, tableId);
    for (let tableId = 1; tableId <= 100; tableId++) expect(tables.get(tableId)).not.toBeNull();
  });

  test('that are announced again and again take no more', () => {
    const tables = new TableMaps(20_000);
    for (let turn = 0; turn < 500; turn++) announce(tables, turn % 2);
    expect(tables.size).toBe(2);
  });
});
