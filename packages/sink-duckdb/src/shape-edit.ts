import { identifier, foldName } from './sql-text.ts';
import type { MadeColumn, Target } from './target.ts';

type Step = { readonly add: MadeColumn } | { readonly rename: string; readonly to: string };

/** Changes of one table's columns, gathered so that they are made at once. */
export class ShapeEdit {
  readonly #target: Target;
  #columns: MadeColumn[];
  /** The changes as ALTER TABLE statements; null when they can only be made by making the table anew. */
  #steps: Step[] | null = [];

  constructor(target: Target) {
    this.#target = target;
    this.#columns = target.kept();
  }

  get isEmpty(): boolean {
    return this.#steps?.length === 0;
  }

  /** True when all that happens is that columns with NULL are added. */
  get onlyAdds(): boolean {
    return this.#steps !== null && this.#steps.every((step) => 'add' in step);
  }

  find(name: string): MadeColumn | undefined {
    return this.#columns.find((column) => foldName(column.name) === foldName(name));
  }

  /** @param value an SQL expression; null for NULL */
  add(name: string, sql: string, value: string | null): void {
    this.#remove(name);
    const from = value ?? `CAST(NULL AS ${sql})`;
    const column = { name, sql, nullable: true, default: null, from, origin: null };
    this.#columns.push(column);
    this.#step(value === null ? { add: column } : null);
  }

  rename(from: string, to: string): void {
    const column = this.find(from);
    if (column === undefined) return;
    if (foldName(from) !== foldName(to)) this.#remove(to);
    this.#columns = this.#columns.map((other) => (other === column ? { ...other, name: to } : other));
    this.#step({ rename: column.name, to });
  }

  /** @param convert makes an expression of the new type from one of the old type */
  retype(name: string, sql: string, convert: (from: string) => string): void {
    this.#columns = this.#columns.map((column) =>
      foldName(column.name) === foldName(name) ? { ...column, sql, from: convert(column.from) } : column,
    );
    this.#step(null);
  }

  /** Sets a column in all rows. @param from an expression over the rows */
  set(name: string, from: string): void {
    this.#columns = this.#columns.map((column) => (column.name === name ? { ...column, from } : column));
    this.#step(null);
  }

  async make(): Promise<void> {
    const steps = this.#steps;
    const target = this.#target;
    const canAlter = steps?.every((step) => ('add' in step ? target.canAdd : target.canRename)) ?? false;
    if (steps === null || !canAlter) return target.remake(this.#columns);
    for (const step of steps) {
      if ('add' in step) await target.add(step.add);
      else await target.rename(step.rename, step.to);
    }
  }

  #remove(name: string): void {
    if (this.find(name) === undefined) return;
    this.#columns = this.#columns.filter((column) => foldName(column.name) !== foldName(name));
    this.#step(null);
  }

  #step(step: Step | null): void {
    if (step === null) this.#steps = null;
    else this.#steps?.push(step);
  }
}

/** A decimal's text as the source writes it: DuckDB leaves a zero out that stands alone before the point. */
export function decimalTextSql(value: string): string {
  return `regexp_replace(CAST(${value} AS VARCHAR), '^(-?)[.]', '\\1' || '0.')`;
}

export function keptSql(name: string): string {
  return `t.${identifier(name)}`;
}
