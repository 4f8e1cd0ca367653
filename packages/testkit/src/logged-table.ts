import { WeirError, tableName, unchanged, type RowValues, type SchemaChange, type Table } from '@weir/sdk';
import type { SeenCell } from './seen-batch.ts';
import { cellsOf, keyOf, type Cells } from './table-content.ts';

/** A change of a row; rows as plain objects, columns that are missing are NULL. */
export type LoggedRow =
  | { readonly op: 'insert'; readonly table: Table; readonly after: RowValues }
  /** `before` holds the old key where the update changes it. */
  | { readonly op: 'update'; readonly table: Table; readonly after: RowValues; readonly before?: RowValues }
  | { readonly op: 'delete'; readonly table: Table; readonly before: RowValues }
  | { readonly op: 'truncate'; readonly table: Table };

/** A change of a table that is there and stays. */
export type ShapeChange = Exclude<SchemaChange, { readonly change: 'create' | 'drop-table' }>;

/** One state of a table of a log. */
export class LoggedTable {
  /** The shape now. */
  readonly table: Table;
  /** The columns in the order in which they were added: that of a row's cells. */
  readonly names: readonly string[];
  readonly #rows: Map<string, Cells>;
  /** Where the cells of the table that came last lie in a row. */
  #mapped: { readonly table: Table; readonly places: readonly number[] } | null = null;

  private constructor(table: Table, names: readonly string[], rows: Map<string, Cells>) {
    this.table = table;
    this.names = names;
    this.#rows = rows;
  }

  /** @throws WeirError WEIR_SDK_USE for a table without a key */
  static empty(table: Table): LoggedTable {
    if (table.key.length === 0) throw new WeirError('WEIR_SDK_USE', `table ${tableName(table)} has no key`);
    return new LoggedTable(table, namesOf(table), new Map());
  }

  /** The rows in the order of `names`. */
  get rows(): Cells[] {
    return [...this.#rows.values()];
  }

  /** The rows with the columns of a shape. */
  rowsOf(table: Table): Cells[] {
    const places = namesOf(table).map((name) => this.names.indexOf(name));
    return this.rows.map((row) => places.map((place) => row[place] ?? null));
  }

  /** The same, to be changed while this stays as it is. */
  clone(): LoggedTable {
    return new LoggedTable(this.table, this.names, new Map(this.#rows));
  }

  /** After a change of its shape. @throws WeirError WEIR_SDK_USE when a real database would refuse it */
  changed(change: ShapeChange): LoggedTable {
    const { names, rows } = this.#reshaped(change);
    const next = new LoggedTable(change.table, names, new Map());
    return new LoggedTable(change.table, names, new Map(rows.map((cells) => [next.#key(cells), cells])));
  }

  #reshaped(change: ShapeChange): { readonly names: readonly string[]; readonly rows: readonly Cells[] } {
    const { names, rows } = this;
    switch (change.change) {
      case 'add': {
        if (names.includes(change.column)) this.#refuse(change);
        const cell = cellOf(change.table, change.column, change.value);
        return { names: [...names, change.column], rows: rows.map((row) => [...row, cell]) };
      }
      case 'drop': {
        const place = this.#place(change, change.column);
        return { names: names.toSpliced(place, 1), rows: rows.map((row) => row.toSpliced(place, 1)) };
      }
      case 'rename':
        if (names.includes(change.column)) this.#refuse(change);
        return { names: names.with(this.#place(change, change.from), change.column), rows };
      case 'widen':
        this.#place(change, change.column);
        return { names, rows };
      case 'key':
        return { names, rows };
    }
  }

  #place(change: ShapeChange, column: string): number {
    const place = this.names.indexOf(column);
    return place === -1 ? this.#refuse(change) : place;
  }

  #refuse(change: ShapeChange): never {
    throw new WeirError('WEIR_SDK_USE', `${change.change} of a column of ${tableName(change.table)} cannot be`);
  }

  /** Changes a row. @throws WeirError WEIR_SDK_USE when a real database would refuse it */
  play(change: LoggedRow): void {
    const rows = this.#rows;
    if (change.op === 'truncate') {
      rows.clear();
      return;
    }
    const image = change.op === 'delete' ? change.before : change.after;
    const oldKey = this.#key(this.#cells(change, change.op === 'update' ? (change.before ?? change.after) : image));
    const old = rows.get(oldKey);
    const isNew = change.op === 'insert';
    if (isNew === (old !== undefined)) throw new WeirError('WEIR_SDK_USE', `${change.op} of ${oldKey} cannot be`);
    rows.delete(oldKey);
    if (change.op === 'delete') return;
    const cells = this.#cells(change, image).map((cell, place) => (cell === unchanged ? old![place]! : cell));
    const key = this.#key(cells);
    if (rows.has(key)) throw new WeirError('WEIR_SDK_USE', `${oldKey} cannot become ${key}, which is there`);
    rows.set(key, cells);
  }

  #cells({ table }: LoggedRow, values: RowValues): SeenCell[] {
    const cells = cellsOf(table, values);
    return this.#places(table).map((place) => cells[place]!);
  }

  #places(table: Table): readonly number[] {
    if (this.#mapped?.table === table) return this.#mapped.places;
    const names = namesOf(table);
    if (names.toSorted().join() !== this.names.toSorted().join()) {
      throw new WeirError('WEIR_SDK_USE', `a row of ${tableName(table)} has not the columns that it has now`);
    }
    const places = this.names.map((name) => names.indexOf(name));
    this.#mapped = { table, places };
    return places;
  }

  #key(cells: Cells): string {
    const names = namesOf(this.table);
    return keyOf(
      this.table,
      names.map((name) => cells[this.names.indexOf(name)]!),
    );
  }
}

function namesOf(table: Table): string[] {
  return table.columns.map(({ name }) => name);
}

function cellOf(table: Table, column: string, value: string | Uint8Array | null): SeenCell {
  const place = table.columns.findIndex(({ name }) => name === column);
  return cellsOf(table, { [column]: value })[place]!;
}
