import type { HeardStatement, TableBinding, TableMap } from '@weir/binlog';
import { WeirError, tableName, type RowJudge, type SchemaChange, type TableName } from '@weir/sdk';
import { bindTable } from '../capture/bind-table.ts';
import type { CatalogTable } from '../capture/catalog.ts';
import { columnStates, shapeOf } from '../capture/table-shape.ts';
import type { ColumnState, Flavour, TableState } from '../checkpoint-state.ts';
import { traceColumns, type Alteration } from './alteration.ts';
import type { CapturedTable, CapturedTables } from './captured-tables.ts';
import { readDefinition, type Definition } from './definition.ts';
import { hasNames, loggedColumns } from './logged-columns.ts';
import { transition, type NextShape } from './table-steps.ts';

/** What a statement of the log comes to. */
export interface StatementEffects {
  readonly changes: readonly SchemaChange[];
  /** Makes the tables those of behind it. @returns those that it emptied */
  readonly apply: () => readonly TableBinding[];
}

const NO_EFFECTS: StatementEffects = { changes: [], apply: () => [] };

export interface LogTablesOptions {
  readonly tables: CapturedTables;
  readonly flavour: Flavour;
  /** What the catalog has of a table now; null when there is none of that name. */
  readonly catalog: (table: TableName) => Promise<CatalogTable | null>;
  /** A table is read again. @param why for a person */
  readonly copyAgain: (table: TableName, why: string) => void;
  /** A statement about a captured table came by. */
  readonly redefined: (table: TableName) => void;
  /** Rows have shown what a table has become. */
  readonly shaped: (table: CapturedTable) => void;
  /** Who decides about the rows of a table; null when all of them are news. */
  readonly judge: (table: TableName) => RowJudge | null;
}

/** `MODE_NO_BACKSLASH_ESCAPES` of `sql_mode`. */
const NO_BACKSLASH_ESCAPES = 1n << 20n;
/** So many statements are kept of a table of which no row comes; with one more it is read again. */
const MOST_ALTERATIONS = 64;

/**
 * What the tables of a log look like, at the place where the stream is (ADR 17). Statements say where columns come from; the
 * TABLE_MAP behind them which are there, and of what types; the catalog, which may be far ahead, what neither says.
 */
export class LogTables {
  readonly #options: LogTablesOptions;

  constructor(options: LogTablesOptions) {
    this.#options = options;
  }

  /** Whether rows of a table matter. */
  isCaptured(table: TableName): boolean {
    const { tables } = this.#options;
    return tables.get(table) !== null || tables.chooses(table);
  }

  /** What rows become; `later` where {@link learn} has to find out. */
  tableMap(map: TableMap): TableBinding | null | 'later' {
    const { tables, flavour } = this.#options;
    const name = nameOf(map);
    const captured = tables.get(name);
    if (captured === null) {
      // Made before the log was read, or by a statement that it does not have.
      if (!tables.chooses(name)) return null;
      return leftOut(map, tables.copyFromNothing(name, 'new'));
    }
    const { shape, state } = captured;
    if (shape === null) return leftOut(map, captured);
    if (state.altered !== undefined) return 'later';
    try {
      return this.#bound(captured, bindTable(map, shape, flavour, tables.zeroDates));
    } catch (error) {
      if (error instanceof WeirError && error.code === 'WEIR_MYSQL_SHAPE') return 'later';
      throw error;
    }
  }

  /**
   * What a table has become, as its rows show it.
   * @throws WeirError WEIR_MYSQL_COLUMN_TYPE, WEIR_BINLOG_UNSUPPORTED for a column that cannot be read, WEIR_MYSQL_SHAPE where the
   * log has no names of columns and the catalog another shape
   */
  async learn(map: TableMap): Promise<{ readonly changes: readonly SchemaChange[]; readonly apply: () => TableBinding }> {
    const { tables, flavour } = this.#options;
    const captured = tables.get(nameOf(map))!;
    const catalog = await this.#options.catalog(captured.state);
    const next = this.#nextShape(map, captured.state, catalog);
    const step = transition(captured.state, captured.shape!.table, next, tables.zeroDates);
    if ('again' in step) {
      return { changes: [], apply: () => (this.#options.copyAgain(captured.state, step.again), leftOut(map, tables.get(captured.state)!)) };
    }
    const binding = bindTable(map, step.shape, flavour, tables.zeroDates);
    const apply = (): TableBinding => {
      const shaped = tables.put(step.state, step.shape);
      this.#options.shaped(shaped);
      return this.#bound(shaped, binding);
    };
    return { changes: step.changes, apply };
  }

  #bound({ state }: CapturedTable, binding: TableBinding): TableBinding {
    binding.judge = this.#options.judge(state);
    return binding;
  }

  #nextShape(map: TableMap, { columns, altered = [], key }: TableState, catalog: CatalogTable | null): NextShape {
    const { tables, flavour } = this.#options;
    const states = catalog === null ? [] : columnStates(catalog);
    if (!hasNames(map)) {
      // Columns are told by their places only, so the catalog has to be of this very place in the log.
      if (catalog === null) throw new WeirError('WEIR_MYSQL_SHAPE', `the log does not say what the columns of ${tableName(nameOf(map))} are`);
      bindTable(map, shapeOf(catalog, tables.zeroDates), flavour, tables.zeroDates);
      return { columns: states, key: catalog.key };
    }
    const traced = traceColumns(columns.map(({ name }) => name), altered);
    const before = traced.flatMap(({ name, origin }) => (origin === null ? [] : [[name, { ...columns[origin]!, name }] as const]));
    const now = states.map((column) => [column.name, column] as const);
    const next = loggedColumns(map, [new Map(now), new Map(before)], tables.zeroDates);
    return { columns: next, key: keyOf(map, next, catalog, key.map((index) => columns[index]!.name)) };
  }

  /** What a statement does to captured tables. What it says of others is passed over, whatever it is. */
  effects({ text, database, sqlMode, kind, alter }: HeardStatement): StatementEffects {
    if (kind !== 'definition' || (alter !== null && alter !== 'commit')) return NO_EFFECTS;
    const noBackslashEscapes = ((sqlMode ?? 0n) & NO_BACKSLASH_ESCAPES) !== 0n;
    const definition = readDefinition(text, database, { noBackslashEscapes });
    if (definition === null) return NO_EFFECTS;
    if (definition.does === 'truncate') return { changes: [], apply: () => this.#truncated(definition.table) };
    return this.#effectsOf(definition);
  }

  #truncated(name: TableName): TableBinding[] {
    const { tables } = this.#options;
    const captured = tables.get(name);
    if (captured === null || captured.shape === null) return [];
    // No cells are written, so its columns in the log do not matter.
    return [{ table: captured.shape.table, decoders: [], skip: false, judge: this.#options.judge(name) }];
  }

  #effectsOf(definition: Exclude<Definition, { does: 'truncate' }>): StatementEffects {
    const { tables } = this.#options;
    switch (definition.does) {
      case 'create':
        return only(() => this.#created(definition.table, definition.ifMissing));
      case 'drop':
        return this.#moved(definition.tables.map((from) => ({ from, to: null })));
      case 'drop database':
        return this.#moved(tables.all.filter(({ state }) => state.namespace === definition.database).map(({ state }) => ({ from: state, to: null })));
      case 'rename':
        return this.#moved(definition.renames);
      case 'alter': {
        const { table, alteration, to, exchanges } = definition;
        if (to !== null) return this.#moved([{ from: table, to }]);
        return only(() => {
          this.#altered(table, alteration);
          for (const other of exchanges) if (tables.get(other) !== null) this.#options.copyAgain(other, 'it was exchanged with a partition');
        });
      }
    }
  }

  #altered(name: TableName, alteration: Alteration): void {
    const { tables } = this.#options;
    const table = tables.get(name);
    if (table === null) return;
    this.#options.redefined(name);
    if (table.shape === null) return;
    const altered = [...(table.state.altered ?? []), alteration];
    if (altered.length > MOST_ALTERATIONS) this.#options.copyAgain(name, 'it was altered many times');
    else tables.update(table, { ...table.state, altered });
  }

  #created(name: TableName, ifMissing: boolean): void {
    const { tables } = this.#options;
    if (tables.get(name) === null) {
      if (tables.chooses(name)) tables.copyFromNothing(name, 'new');
    } else if (!ifMissing) this.#options.copyAgain(name, 'it was made anew');
  }

  /** Tables that are called otherwise now, or are gone. A name that another table has now is read again: its rows are others. */
  #moved(moves: readonly { readonly from: TableName; readonly to: TableName | null }[]): StatementEffects {
    const { tables } = this.#options;
    const gone = new Map<string, CapturedTable>();
    const come = new Map<string, TableName>();
    for (const { from, to } of moves) {
      const captured = tables.get(from);
      if (captured !== null) gone.set(idOf(from), captured);
      come.delete(idOf(from));
      if (to !== null) come.set(idOf(to), to);
    }
    const dropped = [...gone].flatMap(([id, captured]) => (come.has(id) ? [] : [captured]));
    return {
      changes: dropped.flatMap(({ shape }): SchemaChange[] => (shape === null ? [] : [{ table: shape.table, change: 'drop-table' }])),
      apply: () => {
        for (const { state } of dropped) {
          this.#options.redefined(state);
          tables.delete(state);
        }
        for (const table of come.values()) {
          if (tables.get(table) !== null) this.#options.copyAgain(table, 'another table has its name');
          else if (tables.chooses(table)) tables.copyFromNothing(table, 'new');
        }
        return [];
      },
    };
  }
}

function only(work: () => void): StatementEffects {
  return { changes: [], apply: () => (work(), []) };
}

/** A name of a schema and one of a table, as one text that no other two have. */
function idOf({ namespace, name }: TableName): string {
  return `${namespace}\0${name}`;
}

function nameOf({ database, name }: TableMap): TableName {
  return { namespace: database, name };
}

/** Rows that are counted and left out: the copy of the table has not begun (invariant 7). */
function leftOut(map: TableMap, { state }: CapturedTable): TableBinding {
  const { namespace, name, version } = state;
  return { table: { namespace, name, version, columns: [], key: [] }, decoders: map.columns.map(() => null), skip: true };
}

/** The primary key as the log has it; else the catalog's, else that of before, where their columns are there and never NULL. */
function keyOf(map: TableMap, columns: readonly ColumnState[], catalog: CatalogTable | null, before: readonly string[]): number[] {
  const { primaryKey } = map;
  if (primaryKey !== null && primaryKey.length > 0 && primaryKey.every(({ column, prefix }) => prefix === 0 && columns[column]!.leftOut !== true)) {
    return primaryKey.map(({ column }) => column);
  }
  const candidates = [catalog === null ? [] : catalog.key.map((index) => catalog.columns[index]!.name), before];
  for (const names of candidates) {
    const key = names.map((each) => columns.findIndex(({ name, nullable, leftOut: isOut }) => name === each && !nullable && isOut !== true));
    if (key.length > 0 && !key.includes(-1)) return key;
  }
  return [];
}
