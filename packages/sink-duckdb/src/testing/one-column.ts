import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { BatchBuilder, RowCursor, schemaPolicies, type Batch, type LogicalType, type Table } from '@weir/sdk';
import { SlabCopy } from '../cells.ts';
import { columnEncoder } from '../column-encoders.ts';
import { Loader } from '../loader.ts';
import { scanTable } from '../scan.ts';
import type { Decimals } from '../config.ts';
import type { SinkRules } from '../sink-rules.ts';
import { Slots } from '../slots.ts';
import { columnType } from '../types.ts';

type Cell = string | Uint8Array | null;

/** A table `t` of a database in memory, with one column, filled through the encoders. */
export class OneColumn implements AsyncDisposable {
  readonly #connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;
  readonly #table: Table;

  readonly #rules: SinkRules;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, type: LogicalType, decimals: Decimals) {
    this.#rules = {
      mode: 'mirror',
      deletes: 'hard',
      target: { schema: '{schema}', table: '{table}' },
      schemaChanges: schemaPolicies('apply'),
      decimals,
      changes: null,
    };
    this.#instance = instance;
    this.#connection = connection;
    this.#table = {
      namespace: 'main',
      name: 't',
      version: 1,
      key: [],
      columns: [{ name: 'value', type, nullable: true, sourceType: 'test' }],
    };
  }

  static async of(type: LogicalType, cells: readonly Cell[], decimals: Decimals = 'varchar'): Promise<OneColumn> {
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    const column = new OneColumn(instance, connection, type, decimals);
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(`CREATE TABLE t (value ${columnType(type, decimals)!.sql})`);
    await column.#fill(cells);
    return column;
  }

  /** The cells as the decoder reads them, in order. */
  async cells(): Promise<(string | null)[]> {
    const target = { database: 'memory', schema: 'main', table: 't' };
    const cells: (string | null)[] = [];
    const { signal } = new AbortController();
    for await (const batch of scanTable(this.#connection, this.#table, { target, rules: this.#rules }, signal)) {
      for (const row of new RowCursor(batch)) cells.push(row.after.text(0));
    }
    return cells;
  }

  /** What DuckDB itself makes of them: an SQL expression of `value`, as text. */
  async sql(expression: string): Promise<(string | null)[]> {
    const result = await this.#connection.run(`SELECT CAST(${expression} AS VARCHAR) FROM t`);
    return (await result.getRows()).map(([text]) => (text === null ? null : String(text)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #fill(cells: readonly Cell[]): Promise<void> {
    const slots = new Slots();
    const target = { database: 'memory', schema: 'main', table: 't' };
    const type = columnType(this.#table.columns[0]!.type, this.#rules.decimals)!;
    const encoder = columnEncoder({ index: 0, name: 'value', type, table: 'main.t' }, slots);
    const loader = await Loader.open(this.#connection, target, [{ encoder, part: 0 }], slots);
    const batch = this.#batch(cells);
    try {
      const parts = [{ cells: new SlabCopy().cells(batch, false), images: batch.after }];
      loader.append({ count: cells.length, parts, extra: [] });
      loader.flush();
    } finally {
      loader.close();
    }
  }

  #batch(cells: readonly Cell[]): Batch {
    const builder = new BatchBuilder().begin({ position: '1', version: 1n, time: 0, transactionId: '1' });
    for (const value of cells) builder.insert(this.#table, { value });
    return builder.build(null);
  }
}
