import { errorCodes, tableName, type ErrorCode, type Shard, type StopReason, type Table } from '@weir/sdk';
import type { Dialect } from './dialect.ts';
import { sinkIs, type QualifiedName } from './quoting.ts';
import type { Ask } from './sql-transaction.ts';

type SourceName = Pick<Table, 'namespace' | 'name'>;

/** Whose a table at the sink is. */
export type Owner =
  /** Made for this table of the source. */
  | 'own'
  /** Not known to Weir: it is missing, or somebody else's. */
  | 'nobody'
  /** Made by another pipeline or sink. */
  | 'another'
  /** Made by this sink for another table of the source, which is named. */
  | { readonly source: string };

/** The primary key of the registry's table. */
const KEY = ['pipeline', 'sink', 'source_namespace', 'source_name'] as const;

/** Weir's own table that says which table at the sink was made for which table of the source, and which are stopped. */
export class Registry {
  readonly #dialect: Dialect;
  readonly #ask: Ask;
  readonly #sink: Pick<Shard, 'pipeline' | 'sink'>;
  readonly #table: string;

  /**
   * @param ask runs a statement, within the transaction that is open
   * @param table name of the registry's table in SQL
   */
  constructor(dialect: Dialect, ask: Ask, sink: Pick<Shard, 'pipeline' | 'sink'>, table: string) {
    this.#dialect = dialect;
    this.#ask = ask;
    this.#sink = sink;
    this.#table = table;
  }

  async owner(table: SourceName, target: QualifiedName): Promise<Owner> {
    const { literal } = this.#dialect;
    const { rows } = await this.#ask(
      `SELECT CASE WHEN ${this.#isOwn} THEN 1 ELSE 0 END, source_namespace, source_name FROM ${this.#table}
        WHERE target_schema = ${literal(target.schema)} AND target_table = ${literal(target.table)}`,
    );
    const isOwn = (row: readonly unknown[]): boolean =>
      row[0] === '1' && row[1] === table.namespace && row[2] === table.name;
    if (rows.some(isOwn)) return 'own';
    const shared = rows.find(([ours]) => ours === '1');
    if (shared !== undefined) return { source: tableName({ namespace: shared[1]!, name: shared[2]! }) };
    return rows.length > 0 ? 'another' : 'nobody';
  }

  /** The table at the sink is this table's; it is not stopped any more. */
  async register(table: SourceName, { schema, table: name }: QualifiedName): Promise<void> {
    await this.#put(table, { target_schema: schema, target_table: name, stopped_code: null, stopped_message: null });
  }

  async forget(table: SourceName): Promise<void> {
    const { literal } = this.#dialect;
    await this.#ask(
      `DELETE FROM ${this.#table} WHERE ${this.#isOwn} AND source_namespace = ${literal(table.namespace)}
        AND source_name = ${literal(table.name)}`,
    );
  }

  async stop(table: SourceName, { code, message }: StopReason): Promise<void> {
    await this.#put(table, { stopped_code: code, stopped_message: message });
  }

  /** The stopped tables, by `namespace.name`. */
  async stopped(): Promise<Map<string, StopReason>> {
    const { rows } = await this.#ask(
      `SELECT source_namespace, source_name, stopped_code, stopped_message FROM ${this.#table}
        WHERE ${this.#isOwn} AND stopped_code IS NOT NULL`,
    );
    return new Map(
      rows.map(([namespace, name, code, message]) => [
        tableName({ namespace: namespace!, name: name! }),
        { code: codeOf(code!), message: message ?? '' },
      ]),
    );
  }

  get #isOwn(): string {
    return sinkIs(this.#dialect, this.#sink);
  }

  async #put(table: SourceName, columns: Readonly<Record<string, string | null>>): Promise<void> {
    const { pipeline, sink } = this.#sink;
    const names = Object.keys(columns);
    const values = [pipeline, sink, table.namespace, table.name, ...Object.values(columns)];
    const literals = values.map((value) => (value === null ? 'NULL' : this.#dialect.literal(value)));
    await this.#ask(
      `INSERT INTO ${this.#table} (${[...KEY, ...names].join(', ')}) VALUES (${literals.join(', ')})
        ${this.#dialect.upsert(KEY, names)}`,
    );
  }
}

/** A later version may have written a code that this one does not know. */
function codeOf(text: string): ErrorCode {
  return Object.hasOwn(errorCodes, text) ? (text as ErrorCode) : 'WEIR_INTERNAL';
}
