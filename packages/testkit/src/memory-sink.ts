import {
  BatchBuilder,
  WeirError,
  logicalTypeName,
  tableName,
  type Batch,
  type CheckResult,
  type Checkpoint,
  type Json,
  type KeyRange,
  type Shard,
  type Sink,
  type SinkOptions,
  type SinkSession,
  type StopReason,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import { nameAt } from './memory-tables.ts';
import type { MemoryTarget, MemoryWriter, Written } from './memory-target.ts';
import { readRow } from './pruning-session.ts';
import { seeBatch, type SeenBatch } from './seen-batch.ts';
import { contractOptions, contractShard } from './sink-driver.ts';
import type { Cells } from './table-content.ts';

/** A sink of any class over a {@link MemoryTarget}: strict, except for `at-least-once`, which appends what comes. */
export class MemorySink implements Sink {
  readonly #target: MemoryTarget;
  readonly #mode: SinkSession['mode'];
  readonly #options: SinkOptions;

  /** @param options what differs from {@link contractOptions} */
  constructor(
    target: MemoryTarget,
    mode: SinkSession['mode'] = 'transactional',
    options: Partial<SinkOptions> = {},
  ) {
    this.#target = target;
    this.#mode = mode;
    this.#options = { ...contractOptions, ...options };
  }

  async open(shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    signal.throwIfAborted();
    const session = new MemorySession(this.#target, this.#mode, this.#target.takeFence(shard, this.#options));
    const write = async (batch: Batch): Promise<void> => await session.write(batch);
    const recover = async (): Promise<Checkpoint | null> => session.recover();
    const readRange = (table: Table, range: KeyRange): AsyncGenerator<Batch> => session.readRange(table, range);
    const mirrored = this.#options.mode === 'mirror' ? { readRange } : {};
    const dispose = { [Symbol.asyncDispose]: async (): Promise<void> => session.close() };
    switch (this.#mode) {
      case 'transactional': {
        const commit = async (checkpoint: Checkpoint): Promise<void> => session.commit(checkpoint);
        return withStops(session, { mode: this.#mode, write, recover, commit, ...mirrored, ...dispose });
      }
      case 'staged': {
        const stage = async (checkpoint: Checkpoint): Promise<Json> => session.stage(checkpoint);
        const apply = async (staged: Json): Promise<void> => session.apply(staged);
        return withStops(session, { mode: this.#mode, write, recover, stage, apply, ...mirrored, ...dispose });
      }
      case 'idempotent':
      case 'at-least-once':
        return { mode: this.#mode, write, flush: async () => session.flush(), ...dispose };
    }
  }

  async check(): Promise<CheckResult[]> {
    return [{ code: 'OK', level: 'ok', message: 'in memory' }];
  }

  async plan(tables: readonly Table[]): Promise<TablePlan[]> {
    return tables.map((table) => this.#plan(table, tables));
  }

  async *scan(table: Table): AsyncGenerator<Batch> {
    yield readBatch(table, this.#target.rows(table, this.#options));
  }

  #plan(table: Table, all: readonly Table[]): TablePlan {
    const target = nameAt(table, this.#options);
    const owner = this.#target.owner(table, { shard: contractShard, options: this.#options });
    const isShared = all.some((other) => other !== table && nameAt(other, this.#options) === target);
    const refusals: [boolean, CheckResult['code'], string][] = [
      [isShared, 'WEIR_SINK_NAME_COLLISION', 'two tables'],
      [owner === 'another of the writer', 'WEIR_SINK_NAME_COLLISION', 'it is for another table'],
      [owner === 'another', 'WEIR_DUCKDB_TABLE_EXISTS', 'somebody else made it'],
      [table.insertsOnly === true && this.#options.mode === 'mirror', 'WEIR_SINK_INSERTS_ONLY', 'inserts only'],
    ];
    const findings = refusals
      .filter(([refused]) => refused)
      .map(([, code, message]): CheckResult => ({ code, level: 'error', message: `${target}: ${message}` }));
    return {
      table: tableName(table),
      target,
      action: findings.length > 0 ? 'refuse' : owner === 'none' ? 'create' : 'use',
      columns: table.columns.map(({ name, type, sourceType }) => {
        const logicalType = logicalTypeName(type);
        return { column: name, sourceType, logicalType, sinkType: logicalType };
      }),
      findings,
    };
  }
}

function readBatch(table: Table, rows: readonly Cells[]): Batch {
  const builder = new BatchBuilder().begin({ position: '', version: 0n, time: 0, transactionId: '' });
  for (const row of rows) builder.read(table, readRow(table, row));
  return builder.build(null);
}

/** The session with what it says and takes about stopped tables. */
function withStops<Session extends SinkSession>(session: MemorySession, base: Session): Session {
  return Object.defineProperties(base, {
    stoppedTables: { enumerable: true, get: () => session.stopped },
    stopTable: {
      enumerable: true,
      value: async (table: { namespace: string; name: string }, reason: StopReason) =>
        session.stop(tableName(table), reason),
    },
  });
}

/** What all modes have in common. The fence is taken by opening, before anything is read (invariant 5). */
class MemorySession {
  readonly #target: MemoryTarget;
  readonly #mode: SinkSession['mode'];
  readonly #writer: MemoryWriter;
  #pending: Written[] = [];
  #closed = false;
  /** As of `recover`. */
  stopped: ReadonlyMap<string, StopReason> = new Map();

  constructor(target: MemoryTarget, mode: SinkSession['mode'], writer: MemoryWriter) {
    this.#target = target;
    this.#mode = mode;
    this.#writer = writer;
  }

  async write(batch: Batch): Promise<void> {
    this.#assertOpen();
    // The batch is read late, while `write` has not resolved yet, as a real sink reads it.
    await Promise.resolve();
    const seen = seeBatch(batch);
    // Sinks without transactions send some rows early and the rest when they are flushed.
    if (this.#mode === 'idempotent' || this.#mode === 'at-least-once') this.flush();
    this.#pending.push(seen);
  }

  stop(table: string, reason: StopReason): void {
    this.#assertOpen();
    this.#pending.push({ stops: table, reason });
  }

  recover(): Checkpoint | null {
    this.#assertOpen();
    this.stopped = this.#writer.stopped;
    return this.#writer.checkpoint;
  }

  async *readRange(table: Table, range: KeyRange): AsyncGenerator<Batch> {
    this.#assertOpen();
    const known = this.#writer.rowsBehind(this.#pending, table, range);
    yield readBatch(known.table, known.rows);
  }

  /** Not refused after `close`: a real server may carry out what was sent before. The fence decides (invariant 5). */
  commit(checkpoint: Checkpoint): void {
    this.#writer.commit(this.#pending.splice(0), checkpoint);
  }

  stage(checkpoint: Checkpoint): number {
    return this.#writer.stage(this.#pending.splice(0), checkpoint);
  }

  apply(staged: Json): void {
    this.#writer.apply(Number(staged));
  }

  flush(): void {
    for (let item = this.#pending[0]; item !== undefined; item = this.#pending[0]) {
      if (this.#mode === 'idempotent') this.#writer.upsert(item as SeenBatch);
      else this.#target.receive(item as SeenBatch);
      this.#pending.shift();
    }
  }

  close(): void {
    this.#closed = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new WeirError('WEIR_SDK_USE', 'the session is closed');
  }
}
