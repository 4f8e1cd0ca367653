import type { PgType } from '@weir/postgres';
import type { SchemaChange, TableName } from '@weir/sdk';
import { quoteTable, type CatalogTable } from '../capture/catalog.ts';
import { capturedState, ownTypes, readCaptured, shapedTable, type CapturedTable } from './captured-table.ts';
import { missingCell } from './missing-value.ts';
import type { CopyReason, PostgresState } from '../position.ts';
import { shapeDifference, type ShapeDifference } from './shape-difference.ts';
import { takeSteps } from './shape-steps.ts';
import { bareShape, rewritesOf, type CatalogShape, type TableShape } from './table-shape.ts';

/** What of the checkpoint's state is not about tables. */
export type Surroundings = Omit<PostgresState, 'tables' | 'types'>;

/** The tables of a pipeline at the place of the log where the stream is, and the state that a checkpoint there has. */
export class CapturedTables {
  readonly #byName = new Map<string, CapturedTable>();
  readonly #byOid = new Map<number, CapturedTable>();
  /** The last version of each table in this session. */
  readonly #versions = new Map<string, number>();
  #surroundings: Surroundings;
  #types: ReadonlyMap<number, PgType>;
  #catalogTypes: ReadonlyMap<number, PgType> | null = null;
  #state: PostgresState | null = null;

  /** @param catalogTypes those of the catalog: a checkpoint keeps only types of somebody's own */
  constructor({ tables, types, ...surroundings }: PostgresState, catalogTypes: ReadonlyMap<number, PgType>) {
    this.#surroundings = surroundings;
    this.#types = new Map([...types.map((type) => [type.oid, type] as const), ...catalogTypes]);
    for (const table of tables) this.put(readCaptured(table, this.#types, 1));
    this.#state = { ...surroundings, tables, types };
  }

  get all(): CapturedTable[] {
    return [...this.#byName.values()];
  }

  /** Types of the catalog, and of columns whose types it does not have any more. */
  get types(): ReadonlyMap<number, PgType> {
    return this.#types;
  }

  /** `Checkpoint.state`: the same object as long as nothing in it changes. */
  get state(): PostgresState {
    if (this.#state === null) {
      const types = ownTypes(this.#byName.values(), this.#types);
      this.#state = { ...this.#surroundings, tables: this.all.map(capturedState), types };
    }
    return this.#state;
  }

  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  set surroundings(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#state = null;
  }

  /** Tables that are still to be copied. */
  get uncopied(): CapturedTable[] {
    return this.all.filter(({ copiedAt }) => copiedAt === null);
  }

  /** Types by which columns were mapped stay known when the catalog has them no more. */
  learnTypes(types: ReadonlyMap<number, PgType>): void {
    if (types === this.#catalogTypes) return;
    this.#catalogTypes = types;
    this.#types = new Map([...this.#types, ...types]);
  }

  named(table: TableName): CapturedTable | undefined {
    return this.#byName.get(quoteTable(table));
  }

  withOid(oid: number): CapturedTable | undefined {
    return this.#byOid.get(oid);
  }

  put(table: CapturedTable): void {
    this.remove(table);
    this.#byName.set(quoteTable(table), table);
    this.#byOid.set(table.oid, table);
    if (table.shaped !== null) this.#versions.set(quoteTable(table), table.shaped.table.version);
    this.#state = null;
  }

  /** The version that a table has when it is copied next. */
  nextVersion(table: TableName): number {
    return (this.#versions.get(quoteTable(table)) ?? 0) + 1;
  }

  /** Forgets what has this name. */
  remove(table: TableName): void {
    const known = this.named(table);
    if (known === undefined) return;
    this.#byName.delete(quoteTable(table));
    if (this.#byOid.get(known.oid) === known) this.#byOid.delete(known.oid);
    this.#state = null;
  }

  /** A table that is to be copied: its rows up to the copy are left out. */
  putUncopied({ oid, namespace, name }: CatalogTable, reason: CopyReason): void {
    this.put({ oid, namespace, name, member: 0, reason, copiedAt: null, chunks: null, shaped: null });
  }

  /** How the catalog's shape of a table differs from the one of its rows. */
  difference(captured: CapturedTable, next: TableShape): ShapeDifference {
    return shapeDifference(captured.shaped!.shape, next, this.#types);
  }

  /**
   * Takes a table to the shape that its rows have from here on.
   * @param now the same as the catalog has it, or a later one: for the defaults of columns that were added
   * @returns null when existing rows changed in ways that nothing says
   */
  reshape(captured: CapturedTable, next: TableShape, now: CatalogShape): SchemaChange[] | null {
    const difference = this.difference(captured, next);
    if ('again' in difference) return null;
    const { shaped } = captured;
    if (difference.steps.length === 0) {
      this.#adopt(captured, next);
      return [];
    }
    const { changes, table } = takeSteps(shaped!, next, difference.steps, this.#types, (column) => {
      const value = now.missing.get(column.attnum);
      return value === undefined ? null : missingCell(value, rewritesOf([column], this.#types)[0]!);
    });
    this.put({ ...captured, shaped: shapedTable(table, next, this.#types) });
    return changes;
  }

  /** Notes what the catalog says of a table whose rows stay as they are: another file, an altered constraint. */
  adoptCatalog(captured: CapturedTable, now: CatalogShape): void {
    const { shape } = captured.shaped!;
    const columns = shape.columns.map((column) => {
      const current = now.columns.find(({ attnum }) => attnum === column.attnum);
      return current === undefined ? column : { ...column, altered: current.altered, nullable: current.nullable };
    });
    const { keyIndex, fileNode, partitions, contents } = now;
    this.#adopt(captured, { ...shape, columns, keyIndex, fileNode, partitions, contents });
  }

  #adopt(captured: CapturedTable, next: TableShape): void {
    const shape = bareShape(next);
    if (JSON.stringify(shape) === JSON.stringify(captured.shaped!.shape)) return;
    this.put({ ...captured, shaped: { ...captured.shaped!, shape } });
  }
}
