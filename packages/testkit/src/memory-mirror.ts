import { Op, WeirError, tableName, unchanged, type SchemaChange, type SinkOptions, type Table } from '@weir/sdk';
import { commitTimeCell } from './commit-time.ts';
import { latin1, type SeenCell, type SeenRow } from './seen-batch.ts';
import type { CopiedRange } from './memory-range.ts';
import type { Cells } from './table-content.ts';

/** A row of a mirror, its cells in the order of the mirror's columns. */
interface KeptRow {
  /** Null for a tombstone of an idempotent sink. */
  readonly cells: Cells | null;
  readonly version: bigint;
  /** Of an idempotent sink: the place within its transaction of what came last; 0 for rows of a copy. */
  readonly ordinal?: number;
  /** Under soft deletes the commit time of the delete; null while the row is there. */
  readonly deletedAt: string | null;
}

/** A place among the changes of a table: the version of a transaction, and how many of its changes came. */
export interface ShapePlace {
  readonly version: bigint;
  readonly changes: number;
}

/** How a mirror is kept. */
export type MirrorOptions = Pick<SinkOptions, 'deletes' | 'schemaChanges'>;

/**
 * A mirrored table in memory. Strict: when everything arrives once and in order, no row and no change is refused here. A
 * batch's columns are its columns by name; a dropped column is kept until its name is needed.
 */
export class MirrorTable {
  /** Names, those that were dropped included. */
  #columns: string[];
  #dropped = new Set<string>();
  /** Names of the key's columns; empty without a key. */
  #key: string[];
  /** By key; without a key by a number of their own. */
  #rows = new Map<string, KeptRow>();
  #added = 0;
  /** The place of the last streamed row. */
  last = '';
  /** Of an idempotent sink: the transaction of the last change, and how many of its changes were applied. */
  #shaped: ShapePlace = { version: -1n, changes: 0 };
  #mapped: { readonly table: Table; readonly places: readonly number[] } | null = null;

  constructor(table: Table) {
    this.#columns = table.columns.map(({ name }) => name);
    this.#key = keyNames(table);
  }

  clone(): MirrorTable {
    const copy = new MirrorTable({ namespace: '', name: '', version: 1, columns: [], key: [] });
    copy.#columns = [...this.#columns];
    copy.#dropped = new Set(this.#dropped);
    copy.#key = [...this.#key];
    copy.#rows = new Map(this.#rows);
    copy.#added = this.#added;
    copy.last = this.last;
    copy.#shaped = this.#shaped;
    return copy;
  }

  /** The rows that are there, each with the columns that a table names, or with all that were not dropped. */
  cells(table?: Table): Cells[] {
    const names = table?.columns.map(({ name }) => name) ?? this.#columns.filter((name) => !this.#dropped.has(name));
    const showsDeleted = names.includes('_weir_deleted_at');
    const places = names.map((name) => this.#columns.indexOf(name));
    return Array.from(this.#rows.values()).flatMap(({ cells, deletedAt }) => {
      if (cells === null || (deletedAt !== null && !showsDeleted)) return [];
      return [names.map((name, i) => (name === '_weir_deleted_at' ? deletedAt : cells[places[i]!]!))];
    });
  }

  has(column: string): boolean {
    return this.#columns.includes(column) && !this.#dropped.has(column);
  }

  change(change: SchemaChange, options: MirrorOptions): void {
    this.#mapped = null;
    switch (change.change) {
      case 'add':
        this.#add(change.column, change.value, options);
        break;
      case 'drop':
        if (this.#has(change.column, change.table, options)) this.#dropped.add(change.column);
        break;
      case 'rename':
        if (this.#has(change.from, change.table, options)) this.#rename(change.from, change.column, change.table);
        break;
      case 'widen':
        this.#has(change.column, change.table, options);
        break;
      case 'key':
        this.#rekey(change.table);
        break;
      case 'create':
      case 'drop-table':
        throw new WeirError('WEIR_SDK_USE', `${change.change} is not a change of one mirror`);
    }
  }

  /** Applies a change unless it was applied before: a replay of it, with what came since, would not fit the shape. */
  changeOnce(change: SchemaChange, options: MirrorOptions, place: ShapePlace): void {
    if (this.isBehindShape(place.version, place.changes - 1)) return;
    this.change(change, options);
    this.#shaped = place;
  }

  /** Whether the table has changed since: then what was there by then has come already. */
  isBehindShape(version: bigint, changes: number): boolean {
    return version < this.#shaped.version || (version === this.#shaped.version && changes < this.#shaped.changes);
  }

  /** @param inCopy a row that was read belongs to a copy, so that its key comes once */
  apply(row: SeenRow, table: Table, options: MirrorOptions, inCopy: boolean): void {
    const places = this.#placesOf(table, options);
    if (row.op === Op.truncate) this.#truncate(row, options);
    else if (this.#key.length === 0) this.#applyKeyless(row, places, options);
    else this.#applyKeyed(row, places, options, inCopy);
  }

  /**
   * Removes the rows of a range, so that what its batch does not have is gone, or marked where deletes mark.
   * @param time of the chunk's commit, in µs since 1970
   * @param version rows that are newer stay, others leave a tombstone; absent for a mirror that takes every batch once
   */
  clearRange(range: CopiedRange, time: number, options: MirrorOptions, version?: bigint): void {
    for (const [key, row] of this.#rows) {
      const { cells, deletedAt } = row;
      if (cells === null || deletedAt !== null || (version !== undefined && row.version > version)) continue;
      if (!range.holds(this.#imageOf(cells, range.table))) continue;
      if (version !== undefined) this.#rows.set(key, { cells: null, version, ordinal: 0, deletedAt: null });
      else if (options.deletes === 'hard') this.#rows.delete(key);
      else this.#rows.set(key, { ...row, deletedAt: commitTimeCell(time) });
    }
  }

  /** A row's cells in the order of a table's columns. */
  #imageOf(cells: Cells, table: Table): Cells {
    return table.columns.map(({ name }) => cells[this.#columns.indexOf(name)] ?? null);
  }

  /**
   * Applies a row unless its key has had it, or something newer: a replay changes nothing. Within a transaction the ordinal
   * decides; a row of a copy also replaces what is of its own version.
   */
  upsert(row: SeenRow, table: Table, options: MirrorOptions): void {
    const { version } = row;
    const ordinal = row.op === Op.read ? 0 : row.ordinal;
    const isNewTo = (key: string): boolean => {
      const known = this.#rows.get(key);
      if (known === undefined || known.version !== version) return known === undefined || known.version < version;
      return row.op === Op.read || (known.ordinal ?? 0) < ordinal;
    };
    const tombstone: KeptRow = { cells: null, version, ordinal, deletedAt: null };
    if (row.op === Op.truncate) {
      for (const key of this.#rows.keys()) if (isNewTo(key)) this.#rows.set(key, tombstone);
      return;
    }
    if (this.#key.length === 0) {
      throw new WeirError('WEIR_SINK_NO_KEY', `${row.table} has no key to tell its rows apart`, { table: row.table });
    }
    const places = this.#placesOf(table, options);
    const oldKey = this.#keyOf((row.before ?? row.after)!, places);
    const key = row.after === null ? null : this.#keyOf(row.after, places);
    if (key !== null && isNewTo(key)) {
      const old = isInsert(row) ? null : (this.#rows.get(oldKey)?.cells ?? null);
      this.#rows.set(key, { cells: this.#filled(row, places, old), version, ordinal, deletedAt: null });
    }
    // The new key comes first: from the old one's row come the cells that did not change.
    if (oldKey !== key && isNewTo(oldKey)) this.#rows.set(oldKey, tombstone);
  }

  /** Forgets which keys are gone, as a store does that purges them too early. */
  forgetTombstones(): void {
    for (const [key, { cells }] of this.#rows) if (cells === null) this.#rows.delete(key);
  }

  #applyKeyed(row: SeenRow, places: readonly number[], options: MirrorOptions, inCopy: boolean): void {
    const oldKey = this.#keyOf((row.before ?? row.after)!, places);
    const known = this.#rows.get(oldKey);
    const old = known === undefined || known.deletedAt !== null ? null : known.cells;
    const isNew = isInsert(row);
    const replaces = row.op === Op.read && !inCopy;
    if (isNew && old !== null && !replaces) refuse(row, `brings key ${oldKey} a second time`);
    if (!isNew && old === null) refuse(row, `is about key ${oldKey}, which is not there`);
    if (!isNew) this.#remove(oldKey, row, options);
    if (row.op === Op.delete) return;
    const cells = this.#filled(row, places, isNew ? null : old);
    const key = this.#keyOfKept(cells);
    const taken = this.#rows.get(key);
    if (taken !== undefined && taken.deletedAt === null && !replaces) refuse(row, `makes key ${key}, which is there`);
    this.#rows.set(key, { cells, version: row.version, deletedAt: null });
  }

  /** One row that is the same in every column is changed, whichever. */
  #applyKeyless(row: SeenRow, places: readonly number[], options: MirrorOptions): void {
    const { version } = row;
    if (isInsert(row)) {
      this.#rows.set(`#${++this.#added}`, { cells: this.#filled(row, places, null), version, deletedAt: null });
      return;
    }
    const key = this.#find(row, places);
    const { cells: old } = this.#rows.get(key)!;
    if (row.op === Op.delete) this.#remove(key, row, options);
    else this.#rows.set(key, { cells: this.#filled(row, places, old), version, deletedAt: null });
  }

  #find(row: SeenRow, places: readonly number[]): string {
    const image = row.before;
    if (image === null || image.includes(unchanged)) refuse(row, 'has no whole image of a row without a key');
    for (const [key, { cells, deletedAt }] of this.#rows) {
      const isSame = (cell: SeenCell, column: number): boolean => places[column] === -1 || cells![places[column]!] === cell;
      if (deletedAt === null && image.every(isSame)) return key;
    }
    return refuse(row, 'is about a row that is not there');
  }

  #remove(key: string, row: SeenRow, options: MirrorOptions): void {
    if (options.deletes === 'hard') this.#rows.delete(key);
    else this.#rows.set(key, { ...this.#rows.get(key)!, version: row.version, deletedAt: commitTimeCell(row.time) });
  }

  #truncate(row: SeenRow, options: MirrorOptions): void {
    for (const [key, { deletedAt }] of this.#rows) if (deletedAt === null) this.#remove(key, row, options);
  }

  /** Where a table's columns are here; -1 for one that is to be left out. */
  #placesOf(table: Table, options: MirrorOptions): readonly number[] {
    if (this.#mapped?.table === table) return this.#mapped.places;
    const [key, ownKey] = [keyNames(table).join(), this.#key.join()];
    if (key !== ownKey) {
      if (options.schemaChanges.key !== 'ignore') {
        throw new WeirError('WEIR_SDK_USE', `${tableName(table)} has the key (${key}), its mirror (${ownKey})`);
      }
      this.#rekey(table);
    }
    const places = table.columns.map(({ name }) => {
      const isHere = this.#has(name, table, options);
      if (isHere && this.#dropped.has(name)) {
        throw new WeirError('WEIR_SDK_USE', `${tableName(table)} has the column ${name}, which was dropped`);
      }
      return isHere ? this.#columns.indexOf(name) : -1;
    });
    this.#mapped = { table, places };
    return places;
  }

  /** Whether a column is here. One that is not must be one that was ignored. @throws WeirError WEIR_SINK_COLUMN_MISSING */
  #has(column: string, table: Table, { schemaChanges }: MirrorOptions): boolean {
    if (this.#columns.includes(column)) return true;
    if (schemaChanges.add === 'ignore' || schemaChanges.rename === 'ignore') return false;
    const name = tableName(table);
    const what = `${name} has the column ${column}, its mirror has not`;
    throw new WeirError('WEIR_SINK_COLUMN_MISSING', what, { table: name });
  }

  /** The row's new cells; what did not come is the old row's, or NULL in a new row. */
  #filled(row: SeenRow, places: readonly number[], old: Cells | null): SeenCell[] {
    const cells = old === null ? this.#columns.map(() => null) : [...old];
    row.after!.forEach((cell, column) => {
      if (cell === unchanged && old === null) refuse(row, 'leaves a cell of a new row unchanged');
      if (cell !== unchanged && places[column] !== -1) cells[places[column]!] = cell;
    });
    return cells;
  }

  #keyOf(image: Cells, places: readonly number[]): string {
    return JSON.stringify(this.#key.map((name) => image[places.indexOf(this.#columns.indexOf(name))]));
  }

  #keyOfKept(cells: Cells): string {
    return JSON.stringify(this.#key.map((name) => cells[this.#columns.indexOf(name)]));
  }

  #add(column: string, value: string | Uint8Array | null, { schemaChanges }: MirrorOptions): void {
    const place = this.#columns.indexOf(column);
    const mayBeThere = this.#dropped.has(column) || schemaChanges.drop === 'ignore' || schemaChanges.rename === 'ignore';
    if (place !== -1 && !mayBeThere) throw new WeirError('WEIR_SDK_USE', `the column ${column} is added, but it is there`);
    if (place !== -1) this.#forget(column);
    this.#columns.push(column);
    const cell = value === null ? null : latin1(value);
    this.#eachRow((cells) => [...cells, cell]);
  }

  #rename(from: string, to: string, table: Table): void {
    if (this.#columns.includes(to) && !this.#dropped.has(to)) {
      throw new WeirError('WEIR_SDK_USE', `${tableName(table)}: ${from} is renamed to ${to}, which is there`);
    }
    if (this.#columns.includes(to)) this.#forget(to);
    this.#columns[this.#columns.indexOf(from)] = to;
    this.#key = this.#key.map((name) => (name === from ? to : name));
  }

  /** Removes a column that was kept. */
  #forget(column: string): void {
    const place = this.#columns.indexOf(column);
    this.#columns.splice(place, 1);
    this.#dropped.delete(column);
    this.#eachRow((cells) => cells.toSpliced(place, 1));
  }

  #eachRow(change: (cells: Cells) => Cells): void {
    for (const [key, row] of this.#rows) {
      if (row.cells !== null) this.#rows.set(key, { ...row, cells: change(row.cells) });
    }
  }

  #rekey(table: Table): void {
    this.#key = keyNames(table);
    const rows = Array.from(this.#rows.values());
    this.#rows = new Map();
    for (const row of rows) {
      if (row.cells === null) continue;
      const key = this.#key.length === 0 ? `#${++this.#added}` : this.#keyOfKept(row.cells);
      const other = this.#rows.get(key);
      if (other !== undefined && other.deletedAt === null) {
        if (row.deletedAt !== null) continue;
        throw new WeirError('WEIR_SDK_USE', `${tableName(table)}: the new key ${key} is there twice`);
      }
      this.#rows.set(key, row);
    }
  }
}

function keyNames(table: Table): string[] {
  return table.key.map((column) => table.columns[column]!.name);
}

function isInsert({ op }: SeenRow): boolean {
  return op === Op.insert || op === Op.read;
}

const opNames = new Map<Op, string>(Object.entries(Op).map(([name, op]) => [op, name]));

/** When everything arrives once and in order no row is refused, so it is the engine's fault, or the source's. */
export function refuse(row: SeenRow, what: string): never {
  const place = `${row.position}, ordinal ${row.ordinal}`;
  throw new WeirError('WEIR_SDK_USE', `${opNames.get(row.op)} of ${row.table} at ${place} ${what}`);
}
