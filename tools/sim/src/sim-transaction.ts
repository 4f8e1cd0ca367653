import type { RowRun, SimRow, SimTable } from './sim-tables.ts';

/** A change of a row, as the log has it. */
export interface SimChange {
  /** In the form that the table had then. */
  readonly table: SimTable;
  readonly op: 'insert' | 'update' | 'delete' | 'truncate';
  readonly row: SimRow | null;
  /** Set when it inserts more rows than one. */
  readonly run: RowRun | null;
  /** The key before, where it is another or the row is gone. */
  readonly oldKey: string | null;
  /** The large value is that of before, and not in the log. */
  readonly keepsLarge: boolean;
  /** Where its record stands in the log. */
  readonly lsn: number;
  /** Id of the subtransaction, or of the transaction. */
  readonly sub: number;
}

export type LogRecord = { readonly lsn: number; readonly transaction: SimTransaction } & (
  | { readonly kind: 'row'; readonly change: number }
  | { readonly kind: 'abort of a part'; readonly aborted: ReadonlySet<number> }
  | { readonly kind: 'commit' | 'abort' }
);

/** A transaction of the simulated server, with the savepoints that are open. */
export class SimTransaction {
  readonly id: number;
  readonly changes: SimChange[] = [];
  readonly #savepoints: number[] = [];
  readonly #aborted = new Set<number>();
  readonly #locks = new Map<string, Set<string> | null>();
  /** Forms of tables that nobody else sees before it has committed. */
  readonly #forms: { readonly table: SimTable; readonly sub: number }[] = [];
  /** Released or open, by the one around it. */
  readonly #parents = new Map<number, number>();
  #commitLsn: number | null = null;
  #endLsn = 0;
  #time = 0;
  #ended = false;

  constructor(id: number) {
    this.id = id;
  }

  /** Where the next change belongs. */
  get current(): number {
    return this.#savepoints.at(-1) ?? this.id;
  }

  get subtransactions(): number {
    return this.#parents.size;
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  get isCommitted(): boolean {
    return this.#commitLsn !== null;
  }

  /** Where its commit stands in the log; above every place while it has none. */
  get commitLsn(): number {
    return this.#commitLsn ?? Number.MAX_SAFE_INTEGER;
  }

  get endLsn(): number {
    return this.#endLsn;
  }

  /** When it committed, in µs since 1970. */
  get time(): number {
    return this.#time;
  }

  /** The tables that it has given another form. */
  get reshaped(): readonly SimTable[] {
    const forms = this.#forms.filter(({ sub }) => !this.#aborted.has(sub)).map(({ table }) => [table.oid, table] as const);
    return [...new Map(forms).values()];
  }

  /** The form of a table as it has made it; undefined when it has not. */
  formOf(name: string): SimTable | undefined {
    return this.#forms.length === 0 ? undefined : this.reshaped.find((table) => table.name === name);
  }

  reshape(table: SimTable): void {
    this.#forms.push({ table, sub: this.current });
  }

  isAborted(sub: number): boolean {
    return this.#aborted.has(sub);
  }

  savepoint(id: number): void {
    this.#parents.set(id, this.current);
    this.#savepoints.push(id);
  }

  release(): void {
    this.#savepoints.pop();
  }

  /** @returns the subtransactions that count no more: the innermost open one and what was released into it */
  rollBackToSavepoint(): ReadonlySet<number> {
    const gone = this.#savepoints.pop();
    const aborted = new Set<number>();
    if (gone === undefined) return aborted;
    for (const sub of [gone, ...this.#parents.keys()]) {
      let at: number | undefined = sub;
      while (at !== undefined && at !== gone) at = this.#parents.get(at);
      if (at !== gone || this.#aborted.has(sub)) continue;
      aborted.add(sub);
      this.#aborted.add(sub);
    }
    return aborted;
  }

  /** @param time in µs since 1970 */
  commit(lsn: number, end: number, time: number): void {
    this.#commitLsn = lsn;
    this.#endLsn = end;
    this.#time = time;
    this.#ended = true;
  }

  rolledBack(): void {
    this.#ended = true;
  }

  touched(table: string): boolean {
    return this.#locks.has(table);
  }

  /** Whether it holds a lock that another one would need. @param keys null: all of the table */
  locks(table: string, keys: readonly string[] | null): boolean {
    const own = this.#locks.get(table);
    if (own === undefined) return false;
    return own === null || keys === null || keys.some((key) => own.has(key));
  }

  lock(table: string, keys: readonly string[] | null): void {
    const own = this.#locks.get(table);
    if (keys === null) this.#locks.set(table, null);
    else if (own === undefined) this.#locks.set(table, new Set(keys));
    else if (own !== null) for (const key of keys) own.add(key);
  }
}
