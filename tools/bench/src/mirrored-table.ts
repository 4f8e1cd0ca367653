import { mkdtemp, rm } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  BATCH_ROWS,
  BatchBuilder,
  defaultSinkOptions,
  silentLogger,
  systemClock,
  type Batch,
  type Commit,
  type RowValues,
  type Sink,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { duckdbSink } from '@weir/sink-duckdb';

const table: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  key: [0],
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'customer', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' },
    { name: 'city', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
    { name: 'address', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
    { name: 'total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sourceType: 'numeric(12,2)' },
    { name: 'placed', type: { kind: 'timestamptz' }, nullable: true, sourceType: 'timestamptz' },
  ],
};

/** Rows `i` of about 100 bytes, as DuckDB makes them. */
export const ROW_SQL: string =
  "i AS id, (i * 7919 % 100000)::INTEGER AS customer, 'city ' || i % 700 AS city, " +
  "md5(i::VARCHAR) || ' Long Street ' || i % 9000 || ', building' AS address, " +
  '((i * 31 % 1000000) / 100)::DECIMAL(12,2) AS total, make_timestamptz(1714521600000000 + i * 1000001) AS placed';

/** The sink merges a delta that is this part of its table: a hundredth. */
const DELTA_PART = 100;

/** Of the sink's configuration. */
export type Changes = 'table' | 'delta';

/** A DuckDB file with one table that the sink mirrors, filled by DuckDB itself and changed through the sink's session. */
export class MirroredTable implements AsyncDisposable {
  readonly #folder: string;
  readonly #path: string;
  readonly changes: Changes;
  #sink: Sink;
  #session: TransactionalSession;
  #position = 1;

  private constructor(folder: string, path: string, { sink, session, changes }: Opened) {
    this.#folder = folder;
    this.#path = path;
    this.changes = changes;
    this.#sink = sink;
    this.#session = session;
  }

  /** @param rows that it has at first, with keys from 0 on */
  static async make(rows: number, changes: Changes): Promise<MirroredTable> {
    const folder = await mkdtemp(join(tmpdir(), 'weir-growth-'));
    const path = join(folder, 'shop.duckdb');
    {
      await using first = (await open(path, changes)).session;
      await first.write(new BatchBuilder().begin(commitAt(1)).schemaChange({ table, change: 'create' }).build(null));
      await first.commit({ position: '1', state: null });
    }
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run(`INSERT INTO public.orders SELECT ${ROW_SQL} FROM range(${rows}) AS r(i)`);
    connection.closeSync();
    instance.closeSync();
    return new MirroredTable(folder, path, await open(path, changes));
  }

  /** Opens the file again, with another memory limit of DuckDB's, in bytes. */
  async reopen(memoryBytes: number): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    ({ sink: this.#sink, session: this.#session } = await open(this.#path, this.changes, memoryBytes));
  }

  /** Bytes of the file and its log. */
  get bytes(): number {
    const sizes = [this.#path, `${this.#path}.wal`].map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Keys that may still wait before the delta is merged; none where nothing waits. */
  async untilMerge(): Promise<number> {
    if (this.changes === 'table') return 0;
    const size = "SELECT estimated_size FROM duckdb_tables() WHERE table_name = '_weir_base_orders'";
    const sql = `SELECT ceil((${size}) / ${DELTA_PART}), (SELECT count(*) FROM public._weir_delta_orders)`;
    const [most, waiting] = (await this.#sink.query!(sql, 1, new AbortController().signal)).rows[0]!;
    return Number(most) - Number(waiting);
  }

  inserts(keys: readonly number[]): Batch[] {
    return this.#batches(keys, (builder, key) => builder.insert(table, rowOf(key, 0)));
  }

  updates(keys: readonly number[]): Batch[] {
    return this.#batches(keys, (builder, key) => builder.update(table, rowOf(key, 1)));
  }

  deletes(keys: readonly number[]): Batch[] {
    return this.#batches(keys, (builder, key) => builder.delete(table, { id: key }));
  }

  /** Writes batches and commits them in one transaction. */
  async commit(batches: readonly Batch[]): Promise<void> {
    for (const batch of batches) await this.#session.write(batch);
    await this.#session.commit({ position: String(++this.#position), state: null });
  }

  async query(sql: string): Promise<void> {
    await this.#sink.query!(sql, 10, new AbortController().signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }

  #batches(keys: readonly number[], add: (builder: BatchBuilder, key: number) => void): Batch[] {
    const batches: Batch[] = [];
    const builder = new BatchBuilder().begin(commitAt(this.#position + 1));
    for (const key of keys) {
      add(builder, key);
      if (builder.rows === BATCH_ROWS) batches.push(builder.build(null));
    }
    if (builder.rows > 0) batches.push(builder.build(null));
    return batches;
  }
}

interface Opened {
  readonly sink: Sink;
  readonly session: TransactionalSession;
  readonly changes: Changes;
}

async function open(
  path: string,
  changes: Changes,
  memoryBytes: number = defaultSinkOptions.memoryBytes,
): Promise<Opened> {
  const context = { pipeline: 'bench', name: 'duckdb', log: silentLogger, clock: systemClock };
  const sink = duckdbSink.create({ path, changes }, { ...defaultSinkOptions, memoryBytes }, context);
  const shard = { pipeline: 'bench', sink: 'duckdb', shard: 0 };
  return { sink, session: (await sink.open(shard, new AbortController().signal)) as TransactionalSession, changes };
}

function commitAt(position: number): Commit {
  return { position: String(position), version: BigInt(position), time: 0, transactionId: String(position) };
}

/** @param edition tells a changed row from what it was */
function rowOf(key: number, edition: number): RowValues {
  const minute = String(key % 60).padStart(2, '0');
  return {
    id: key,
    customer: (key + edition) % 100_000,
    city: `city ${key % 700}`,
    address: `${key} and thirty-two letters of it, Long Street ${key % 9000}, building ${edition}`,
    total: `${key % 10_000}.${minute}`,
    placed: `2024-05-${String((key % 28) + 1).padStart(2, '0')}T10:${minute}:${minute}.000000Z`,
  };
}
