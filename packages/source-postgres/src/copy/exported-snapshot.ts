import { randomBytes } from 'node:crypto';
import { parseLsn, type TableBinding } from '@weir/pgoutput';
import { BatchChannel, closeClient, connect, CopyReader, cutOnAbort, query, quoteIdentifier, quoteLiteral, Wire } from '@weir/postgres';
import { WeirError, crashPoint, emptyBatch, tableName, type Batch, type TableProgress } from '@weir/sdk';
import type pg from 'pg';
import { readCapture } from '../capture/capture.ts';
import { quoteTable, type CatalogTable } from '../capture/catalog.ts';
import { readShapes } from '../shape/catalog-shapes.ts';
import type { PostgresConfig } from '../config.ts';
import type { CatalogShape } from '../shape/table-shape.ts';

/** Blocks of 8 KiB that one COPY reads: enough to make its start cheap, few enough to share a large table out … */
const FEWEST_BLOCKS = 128;
const MOST_BLOCKS = 4096;
/** … among the readers, so that none of them reads long after the others have ended. */
const RANGES_PER_READER = 8;
/** Decoded batches of all readers that wait for the consumer. */
const AHEAD_BYTES = 16 << 20;

/** A part of a table that one COPY reads. */
interface Range {
  readonly table: CatalogTable;
  readonly sql: string;
}

/** A batch of `read` rows on its way out of the snapshot. */
export interface CopiedBatch {
  readonly table: CatalogTable;
  readonly batch: Batch;
  readonly bytes: number;
  /** Nothing of this table follows. */
  readonly tableDone: boolean;
}

/**
 * Copies tables in one exported snapshot, with parallel readers over ranges of blocks.
 *
 * The snapshot comes from a temporary slot, so the log and the copy meet exactly at the slot's consistent point: a
 * transaction is in the snapshot if and only if its commit LSN is below that point. The first connection of the copy
 * imports the snapshot, locks every table against rewrites until the last reader has ended, and passes it on.
 */
export class Snapshot implements AsyncDisposable {
  readonly #config: PostgresConfig;
  readonly #leader: pg.Client;
  readonly #exported: string;
  readonly #tables: readonly CatalogTable[];
  readonly #progress: Map<string, { rows: number; estimatedRows: number; done: boolean }>;
  readonly #wires = new Set<Wire>();
  /** Everything that committed below this LSN is in the snapshot, and nothing else. */
  readonly consistentPoint: bigint;
  /** The tables' shapes in the snapshot, by their oids. */
  readonly shapes: ReadonlyMap<number, CatalogShape>;

  private constructor(
    config: PostgresConfig,
    leader: pg.Client,
    tables: readonly CatalogTable[],
    snapshot: { exported: string; consistentPoint: bigint; shapes: ReadonlyMap<number, CatalogShape> },
  ) {
    this.#config = config;
    this.#leader = leader;
    this.#tables = tables;
    this.#exported = snapshot.exported;
    this.shapes = snapshot.shapes;
    this.consistentPoint = snapshot.consistentPoint;
    this.#progress = new Map(
      tables.map((table) => [tableName(table), { rows: 0, estimatedRows: table.estimatedRows, done: false }]),
    );
  }

  /**
   * Waits for every transaction that is open now: only then is a snapshot between log and tables possible.
   * @throws WeirError WEIR_PG_TABLE_REWRITTEN when a table changed under our hands; trying again mends it
   */
  static async begin(
    config: PostgresConfig,
    tables: readonly CatalogTable[],
    publication: string,
    signal: AbortSignal,
  ): Promise<Snapshot> {
    const exporter = await connect(config, signal, { replication: true });
    let leader: pg.Client | null = null;
    try {
      using _ = cutOnAbort(exporter, signal);
      const name = quoteIdentifier(`weir_copy_${randomBytes(6).toString('hex')}`);
      const make = `CREATE_REPLICATION_SLOT ${name} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT`;
      const [slot] = await query(exporter, make, [], { timeoutMs: null });
      crashPoint('source.snapshot-exported');
      leader = await connect(config, signal);
      using _leader = cutOnAbort(leader, signal);
      await importSnapshot(leader, slot!['snapshot_name']!);
      await holdTables(leader, tables);
      const { tables: seen } = await readCapture(leader, config, publication);
      const shapes = await readShapes(leader, sameTables(tables, seen));
      const [own] = await query(leader, 'SELECT pg_export_snapshot() AS name');
      const consistentPoint = parseLsn(slot!['consistent_point']!);
      return new Snapshot(config, leader, tables, { exported: own!['name']!, consistentPoint, shapes });
    } catch (error) {
      if (leader !== null) await closeClient(leader);
      signal.throwIfAborted();
      throw error;
    } finally {
      await closeClient(exporter);
    }
  }

  get progress(): readonly TableProgress[] {
    return Array.from(this.#progress, ([table, progress]) => ({ table, ...progress }));
  }

  /**
   * All rows of all tables, those of different tables interleaved.
   * @param bindings what the rows of each table become, by its oid
   */
  async *batches(bindings: ReadonlyMap<number, TableBinding>, signal: AbortSignal): AsyncGenerator<CopiedBatch> {
    const ranges = await this.#ranges();
    const left = new Map(this.#tables.map((table) => [table, ranges.filter((range) => range.table === table).length]));
    const out = new BatchChannel<CopiedBatch>(AHEAD_BYTES);
    const stop = new AbortController();
    const onAbort = (): void => out.fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const queue = [...ranges];
    const readers = Array.from({ length: Math.min(this.#config.snapshot.max_connections, ranges.length) }, async () => {
      await this.#reader(queue, bindings, left, out, stop.signal);
    });
    const ended = this.#end(readers, out);
    try {
      for (let item = await out.next(); item !== null; item = await out.next()) yield item;
    } finally {
      signal.removeEventListener('abort', onAbort);
      queue.length = 0;
      out.end();
      stop.abort();
      this.#abandonReaders();
      await Promise.allSettled(readers);
      await ended;
    }
  }

  /** Ends the channel with the last reader, or with the first failure. */
  async #end(readers: readonly Promise<void>[], out: BatchChannel<CopiedBatch>): Promise<void> {
    try {
      await Promise.all(readers);
      out.end();
      // The locks go with the last reader: a consumer that takes its time does not hold them.
      await closeClient(this.#leader);
    } catch (error) {
      out.fail(error);
    }
  }

  async #reader(
    queue: Range[],
    bindings: ReadonlyMap<number, TableBinding>,
    left: Map<CatalogTable, number>,
    out: BatchChannel<CopiedBatch>,
    stop: AbortSignal,
  ): Promise<void> {
    if (queue.length === 0) return;
    await using wire = await this.#connectReader(stop);
    const reader = new CopyReader(wire);
    for (let range = queue.shift(); range !== undefined; range = queue.shift()) {
      const { table } = range;
      const progress = this.#progress.get(tableName(table))!;
      // One batch is held back, so that the last one of a table can say so.
      let held: Batch | null = null;
      for await (const batch of reader.read(range.sql, bindings.get(table.oid)!)) {
        if (held !== null) await out.push({ table, batch: held, bytes: held.bytes, tableDone: false });
        held = batch;
        progress.rows += batch.rows;
      }
      const rest = left.get(table)! - 1;
      left.set(table, rest);
      progress.done = rest === 0;
      const last = held ?? emptyCopy;
      if (held !== null || rest === 0) await out.push({ table, batch: last, bytes: last.bytes, tableDone: rest === 0 });
    }
    this.#wires.delete(wire);
  }

  async #connectReader(stop: AbortSignal): Promise<Wire> {
    const client = await connect(this.#config, stop);
    try {
      using _ = cutOnAbort(client, stop);
      await importSnapshot(client, this.#exported);
    } catch (error) {
      await closeClient(client);
      throw error;
    }
    const wire = new Wire(client);
    this.#wires.add(wire);
    return wire;
  }

  /** Ranges of blocks of each table's leaves; the last of each is open, so that no block is missed. */
  async #ranges(): Promise<Range[]> {
    const ranges: Range[] = [];
    for (const table of this.#tables) {
      const tree = 'pg_partition_tree($1::oid) t JOIN pg_class c ON c.oid = t.relid AND t.isleaf';
      const leaves = await query(
        this.#leader,
        `SELECT c.relname, n.nspname, pg_relation_size(c.oid) / current_setting('block_size')::int AS blocks
           FROM ${table.partitioned ? tree : 'pg_class c'}
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE ${table.partitioned ? 'true' : 'c.oid = $1::oid'}`,
        [table.oid],
      );
      const before = ranges.length;
      for (const leaf of leaves) {
        const from = quoteTable({ namespace: leaf['nspname']!, name: leaf['relname']! });
        const blocks = Number(leaf['blocks']);
        const step = rangeBlocks(blocks, this.#config.snapshot.max_connections);
        for (let block = 0; block === 0 || block < blocks; block += step) {
          ranges.push({ table, sql: this.#copySql(table, from, block, block + step < blocks ? block + step : null) });
        }
      }
      if (ranges.length === before) ranges.push({ table, sql: this.#copySql(table, quoteTable(table), 0, null) });
    }
    return ranges;
  }

  #copySql(table: CatalogTable, from: string, block: number, end: number | null): string {
    const conditions = [`ctid >= '(${block},0)'`];
    if (end !== null) conditions.push(`ctid < '(${end},0)'`);
    const where = this.#config.snapshot.where[tableName(table)] ?? null;
    for (const condition of [table.scope.rowFilter, where]) if (condition !== null) conditions.push(`(${condition})`);
    const only = table.partitioned && from === quoteTable(table) ? '' : 'ONLY ';
    const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
    return `COPY (SELECT ${columns} FROM ${only}${from} WHERE ${conditions.join(' AND ')}) TO STDOUT`;
  }

  #abandonReaders(): void {
    for (const wire of this.#wires) wire.abandon();
    this.#wires.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abandonReaders();
    await closeClient(this.#leader);
  }
}

function rangeBlocks(blocks: number, readers: number): number {
  return Math.min(MOST_BLOCKS, Math.max(FEWEST_BLOCKS, Math.ceil(blocks / (readers * RANGES_PER_READER))));
}

/** Stands for a table, or a last range, without rows. */
const emptyCopy: Batch = emptyBatch(null);

async function importSnapshot(client: pg.Client, name: string): Promise<void> {
  await query(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  await query(client, `SET TRANSACTION SNAPSHOT ${quoteLiteral(name)}`);
}

/**
 * Locks the tables against rewrites and makes sure that none happened between the snapshot and the lock: a rewritten
 * table shows a snapshot fewer rows than it had (ALTER TYPE: none at all). Nor may another table have got the name.
 */
async function holdTables(leader: pg.Client, tables: readonly CatalogTable[]): Promise<void> {
  await query(leader, `LOCK TABLE ${tables.map(quoteTable).join(', ')} IN ACCESS SHARE MODE`);
  const oids = `{${tables.map((table) => table.oid).join(',')}}`;
  const rewritten = await query(
    leader,
    `SELECT c.oid::regclass::text AS name
       FROM unnest($1::oid[]) AS root(oid), pg_partition_tree(root.oid) t JOIN pg_class c ON c.oid = t.relid
      WHERE t.isleaf AND c.relfilenode <> pg_relation_filenode(c.oid)
     UNION ALL
     SELECT c.oid::regclass::text FROM pg_class c
      WHERE c.oid = ANY ($1::oid[]) AND c.relkind = 'r' AND c.relfilenode <> pg_relation_filenode(c.oid)
     UNION ALL
     SELECT named.name FROM unnest($1::oid[], $2::text[]) AS named(oid, name)
      WHERE to_regclass(named.name) IS DISTINCT FROM named.oid`,
    [oids, tables.map(quoteTable)],
  );
  const name = rewritten[0]?.['name'];
  if (name == null) return;
  throw new WeirError('WEIR_PG_TABLE_REWRITTEN', `${name} was altered while its copy began`);
}

/** The tables as the snapshot has them, which must be as they were when it was decided to copy them. */
export function sameTables(tables: readonly CatalogTable[], seen: readonly CatalogTable[]): CatalogTable[] {
  const text = ({ columns, table, replicaIdentity, scope }: CatalogTable): string =>
    JSON.stringify([table.namespace, table.name, columns, table.key, replicaIdentity, scope]);
  return tables.map((table) => {
    const same = seen.find(({ oid }) => oid === table.oid);
    if (same !== undefined && text(same) === text(table)) return same;
    throw new WeirError('WEIR_PG_TABLE_REWRITTEN', `${tableName(table)} was altered while its copy began`);
  });
}
