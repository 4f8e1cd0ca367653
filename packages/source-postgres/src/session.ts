import type { Begin, Relation, TableBinding } from '@weir/pgoutput';
import { formatLsn, parseLsn } from '@weir/pgoutput';
import { connect, query, Wire } from '@weir/postgres';
import {
  WeirError,
  crashPoint,
  emptyBatch,
  packVersion,
  tableName,
  toWeirError,
  type Batch,
  type Checkpoint,
  type Commit,
  type ConnectorContext,
  type Position,
  type SourceSession,
  type SourceStatus,
} from '@weir/sdk';
import type pg from 'pg';
import { bindTable, relationDifference, schemaDigest, type CatalogTable } from './catalog.ts';
import { ChangeStream } from './change-stream.ts';
import type { PostgresConfig } from './config.ts';
import { boundaryPosition, chunkPosition, commitPosition, positionLsn, stateJson, type PostgresState } from './position.ts';
import { checkMembers } from './publication.ts';
import { Snapshot, type CopiedBatch } from './snapshot.ts';

/** How often the server is asked where its log ends and whether the publication is as it was, in ms. */
const WATCH_MS = 2_000;

export interface SessionOptions {
  readonly config: PostgresConfig;
  readonly context: ConnectorContext;
  /** Connected, for questions; the session ends it. */
  readonly control: pg.Client;
  readonly tables: readonly CatalogTable[];
  /** Where the stream stands: everything that committed below is in every sink. */
  readonly from: bigint;
  readonly state: PostgresState;
  /** Of `memberOids`. */
  readonly members: ReadonlyMap<number, number>;
}

/** One run of the source: the tables that were not copied yet, then the stream. */
export class PostgresSession implements SourceSession {
  readonly #options: SessionOptions;
  readonly #tables: ReadonlyMap<string, CatalogTable>;
  /** What the stream's rows become, by `namespace.name`, and from which commit LSN on they are news. */
  readonly #bindings = new Map<string, { binding: TableBinding; copiedAt: bigint }>();
  #state: PostgresState;
  #snapshot: Snapshot | null = null;
  #stream: ChangeStream | null = null;
  #wire: Wire | null = null;
  #phase: SourceStatus['phase'] = 'connecting';
  #finishAt: bigint | null = null;
  #head: bigint | null = null;
  /** The highest copiedAt: once a commit from there on was seen, no table is left to look at. */
  #allCopiedAt = 0n;
  #allCaughtUp = false;
  readonly #closed = new AbortController();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#tables = new Map(options.tables.map((table) => [tableName(table), table]));
  }

  async *batches(pulling: AbortSignal): AsyncGenerator<Batch> {
    const signal = AbortSignal.any([pulling, this.#closed.signal]);
    const missing = this.#options.tables.filter((table) => this.#state.tables[tableName(table)]?.copiedAt == null);
    if (missing.length > 0) yield* this.#copy(missing, signal);
    if (signal.aborted) return;
    yield* await this.#streamChanges(signal);
  }

  async confirm(checkpoint: Checkpoint): Promise<void> {
    this.#stream?.confirm(positionLsn(checkpoint.position));
    await Promise.resolve();
  }

  finishAt(position: Position): void {
    this.#finishAt = positionLsn(position);
    this.#stream?.finishAt(this.#finishAt);
  }

  status(): SourceStatus {
    const confirmed = this.#stream?.confirmed ?? this.#options.from;
    const lag = this.#head === null ? null : Number(this.#head - confirmed);
    return {
      phase: this.#phase,
      snapshot: this.#snapshot?.progress ?? [],
      lagBytes: lag === null ? null : Math.max(0, lag),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#snapshot?.[Symbol.asyncDispose]();
    await this.#wire?.[Symbol.asyncDispose]();
    await this.#options.control.end().catch(() => {});
  }

  /** Copies tables in one snapshot. A table counts as copied from the checkpoint of its last batch on. */
  async *#copy(tables: readonly CatalogTable[], signal: AbortSignal): AsyncGenerator<Batch> {
    const { config, context, from } = this.#options;
    this.#phase = 'snapshot';
    this.#state = { ...this.#state, copies: this.#state.copies + 1 };
    let sequence = 0;
    const checkpoint = (): Checkpoint => ({
      position: chunkPosition(this.#state.epoch, from, this.#state.copies, ++sequence),
      state: stateJson(this.#state),
    });
    const snapshot = await Snapshot.begin(config, tables, this.#state.publication.name, signal);
    this.#snapshot = snapshot;
    try {
      const copiedAt = formatLsn(snapshot.consistentPoint);
      context.log.info({ pipeline: context.pipeline, tables: tables.length, consistentPoint: copiedAt }, 'copying tables');
      yield emptyBatch(
        checkpoint(),
        tables.map(({ table }) => ({ table, change: 'create' })),
      );
      for await (const copied of snapshot.batches(signal)) {
        if (copied.tableDone) this.#markCopied(copied.table, copiedAt);
        const batch = this.#chunk(copied, checkpoint());
        crashPoint('source.chunk-read');
        yield batch;
      }
    } finally {
      await snapshot[Symbol.asyncDispose]();
      this.#snapshot = null;
    }
  }

  #markCopied(table: CatalogTable, copiedAt: string): void {
    const member = this.#options.members.get(table.oid) ?? 0;
    const entry = { oid: table.oid, member, digest: schemaDigest(table), copiedAt };
    this.#state = { ...this.#state, tables: { ...this.#state.tables, [tableName(table)]: entry } };
  }

  #chunk(copied: CopiedBatch, checkpoint: Checkpoint): Batch {
    const version = packVersion(this.#state.epoch, this.#options.from);
    const commit: Commit = { position: checkpoint.position, version, time: 0, transactionId: '' };
    const { batch } = copied;
    const tables = batch.tables.length > 0 ? batch.tables : [copied.table.table];
    const chunk = { table: 0, after: null, upTo: null, last: copied.tableDone };
    return { ...batch, tables, commits: [commit], chunk, checkpoint, release: () => batch.release() };
  }

  async #streamChanges(signal: AbortSignal): Promise<AsyncGenerator<Batch>> {
    const { config, context, from } = this.#options;
    for (const table of this.#options.tables) {
      const copiedAt = parseLsn(this.#state.tables[tableName(table)]!.copiedAt!);
      this.#bindings.set(tableName(table), { binding: bindTable(table), copiedAt });
      if (copiedAt > this.#allCopiedAt) this.#allCopiedAt = copiedAt;
    }
    const state = stateJson(this.#state);
    this.#wire = new Wire(await connect(config, signal, { replication: true }));
    if (this.#closed.signal.aborted) await this.#wire[Symbol.asyncDispose]();
    this.#stream = new ChangeStream({
      wire: this.#wire,
      clock: context.clock,
      slot: this.#state.slot,
      publications: [this.#state.publication.name],
      from,
      host: {
        relation: (relation) => this.#bind(relation),
        begin: (begin) => this.#begin(begin),
        knows: (relation) => this.#difference(relation) === null,
        learn: async (relation) => await this.#refuse(relation),
      },
      protocol: { version: 1, streaming: false },
      checkpoint: (endLsn) => ({ position: boundaryPosition(this.#state.epoch, endLsn), state }),
    });
    if (this.#finishAt !== null) this.#stream.finishAt(this.#finishAt);
    this.#phase = 'stream';
    void this.#watch(this.#stream);
    return this.#stream.batches(signal);
  }

  /** What a relation's rows become; none for tables that are published and not selected. */
  #bind(relation: Relation): TableBinding | null {
    const table = this.#find(relation);
    return table === undefined ? null : this.#bindings.get(tableName(table))!.binding;
  }

  #find(relation: Relation): CatalogTable | undefined {
    // A renamed table has another name, one that was made again another oid.
    const sameOid = this.#options.tables.find((table) => table.oid === relation.oid);
    return sameOid ?? this.#tables.get(tableName(relation));
  }

  #difference(relation: Relation): string | null {
    const table = this.#find(relation);
    return table === undefined ? null : relationDifference(table, relation);
  }

  async #refuse(relation: Relation): Promise<never> {
    await Promise.resolve();
    const what = `${tableName(this.#find(relation)!)}: ${this.#difference(relation)}`;
    throw new WeirError('WEIR_PG_SCHEMA_CHANGED', what);
  }

  /**
   * Drops a transaction that was delivered before: its commit LSN is below the end of the last one delivered. One that is
   * equal to it is new. Rows of a table that its copy holds already are left out.
   */
  #begin(begin: Begin): Commit | null {
    if (begin.commitLsn < this.#options.from) return null;
    if (!this.#allCaughtUp) {
      for (const { binding, copiedAt } of this.#bindings.values()) binding.skip = begin.commitLsn < copiedAt;
      this.#allCaughtUp = begin.commitLsn >= this.#allCopiedAt;
    }
    return {
      position: commitPosition(this.#state.epoch, begin.commitLsn),
      // Above the version of a row that was copied at the boundary where this commit begins.
      version: packVersion(this.#state.epoch, begin.commitLsn + 1n),
      time: begin.time,
      transactionId: String(begin.transactionId),
    };
  }

  /**
   * Asks where the server's log ends, for people, and holds the publication against the state: rows that are not published
   * are missing without a word (invariant 6).
   */
  async #watch(stream: ChangeStream): Promise<void> {
    const { control, context } = this.#options;
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        const [row] = await query(control, 'SELECT pg_current_wal_lsn() AS lsn');
        this.#head = parseLsn(row!['lsn']!);
        await checkMembers(control, this.#state);
      } catch (error) {
        this.#head = null;
        stream.fail(toWeirError(error));
        return;
      }
      await context.clock.sleep(WATCH_MS, signal).catch(() => {});
    }
  }
}
