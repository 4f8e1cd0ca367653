import { errorCodes, tableName, type ErrorCode, type Shard, type StopReason, type Table } from '@weir/sdk';
import { sinkIs, type OwnTables } from './own-tables.ts';
import { literal, type QualifiedName } from './sql-text.ts';
import type { Answer } from './transaction.ts';

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

/** `_weir_tables`: which table at the sink was made for which table of the source, and which are stopped. */
export class Registry {
  readonly #ask: (sql: string) => Promise<Answer>;
  readonly #sink: Pick<Shard, 'pipeline' | 'sink'>;
  readonly #own: OwnTables;

  /** @param ask runs a statement, within the transaction that is open */
  constructor(ask: (sql: string) => Promise<Answer>, sink: Pick<Shard, 'pipeline' | 'sink'>, own: OwnTables) {
    this.#ask = ask;
    this.#sink = sink;
    this.#own = own;
  }

  async owner(table: SourceName, target: QualifiedName): Promise<Owner> {
    const { rows } = await this.#ask(
      `SELECT ${sinkIs(this.#sink)}, source_namespace, source_name FROM ${this.#own.tables}
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
  async register(table: SourceName, target: QualifiedName): Promise<void> {
    const values = [literal(target.schema), literal(target.table), 'NULL', 'NULL'];
    await this.#put(table, ['target_schema', 'target_table', 'stopped_code', 'stopped_message'], values);
  }

  async forget(table: SourceName): Promise<void> {
    await this.#ask(
      `DELETE FROM ${this.#own.tables} WHERE ${sinkIs(this.#sink)} AND source_namespace = ${literal(table.namespace)}
        AND source_name = ${literal(table.name)}`,
    );
  }

  async stop(table: SourceName, reason: StopReason): Promise<void> {
    await this.#put(table, ['stopped_code', 'stopped_message'], [literal(reason.code), literal(reason.message)]);
  }

  /** The stopped tables, by `namespace.name`. */
  async stopped(): Promise<Map<string, StopReason>> {
    const { rows } = await this.#ask(
      `SELECT source_namespace, source_name, stopped_code, stopped_message FROM ${this.#own.tables}
        WHERE ${sinkIs(this.#sink)} AND stopped_code IS NOT NULL`,
    );
    return new Map(
      rows.map(([namespace, name, code, message]) => [
        tableName({ namespace: namespace!, name: name! }),
        { code: codeOf(code!), message: message ?? '' },
      ]),
    );
  }

  async #put(table: SourceName, columns: readonly string[], values: readonly string[]): Promise<void> {
    const { pipeline, sink } = this.#sink;
    const key = [pipeline, sink, table.namespace, table.name].map(literal).join(', ');
    const changes = columns.map((column) => `${column} = VALUES(${column})`).join(', ');
    await this.#ask(
      `INSERT INTO ${this.#own.tables} (pipeline, sink, source_namespace, source_name, ${columns.join(', ')})
        VALUES (${key}, ${values.join(', ')})
        ON DUPLICATE KEY UPDATE ${changes}`,
    );
  }
}

/** A later version may have written a code that this one does not know. */
function codeOf(text: string): ErrorCode {
  return Object.hasOwn(errorCodes, text) ? (text as ErrorCode) : 'WEIR_INTERNAL';
}
