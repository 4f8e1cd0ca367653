import {
  BatchBuilder,
  logicalTypeName,
  secret,
  tableName,
  targetName,
  type Batch,
  type CheckResult,
  type Checkpoint,
  type Column,
  type ColumnPlan,
  type Position,
  type QueryResult,
  type SchemaChange,
  type Secret,
  type Sink,
  type SinkConnector,
  type SinkOptions,
  type SinkSession,
  type Source,
  type SourceConnector,
  type SourceSession,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import { z } from 'zod';
import type { Connectors } from './connectors.ts';

export const ordersTable: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  columns: [{ name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' }],
  key: [0],
};

/** `0000000012`, so that positions order bytewise. */
export function positionOf(commit: number): Position {
  return String(commit).padStart(10, '0');
}

/** A log of commits in memory: commit n inserts order n. */
export class FakeSource implements Source {
  commits: number;
  readonly confirmed: Position[] = [];
  /** Thrown by `open`. */
  refusal: Error | null = null;
  /** Thrown by the next calls of `head` and `check`, one each. */
  readonly failures: Error[] = [];
  findings: CheckResult[] = [{ code: 'OK', level: 'ok', message: 'connected' }];
  tables: Table[] = [ordersTable];
  plan?: NonNullable<Source['plan']>;
  /** Before the row of a commit. */
  readonly schemaChanges: Map<number, SchemaChange> = new Map();
  /** What `scan` gives, by `namespace.name`: ids. */
  readonly content: Map<string, readonly number[]> = new Map();

  constructor(commits: number) {
    this.commits = commits;
  }

  async open(from: Checkpoint | null): Promise<SourceSession> {
    if (this.refusal !== null) throw this.refusal;
    const state = { at: Number(from?.position ?? 0), finishAt: null as Position | null };
    return {
      batches: (signal) => this.#batches(state, signal),
      confirm: async ({ position }) => void this.confirmed.push(position),
      finishAt: (position) => void (state.finishAt = position),
      status: () => ({ phase: 'stream', snapshot: [], lagBytes: this.commits - state.at }),
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async *#batches(state: { at: number; finishAt: Position | null }, signal: AbortSignal): AsyncGenerator<Batch> {
    const builder = new BatchBuilder();
    for (;;) {
      signal.throwIfAborted();
      if (state.finishAt !== null && positionOf(state.at) >= state.finishAt) return;
      if (state.at === this.commits) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      const position = positionOf(++state.at);
      builder.begin({ position, version: BigInt(state.at), time: Date.now() * 1000, transactionId: String(state.at) });
      const change = this.schemaChanges.get(state.at);
      if (change !== undefined) builder.schemaChange(change);
      builder.insert(ordersTable, { id: state.at });
      yield builder.build({ position, state: null });
    }
  }

  async head(): Promise<Position> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    return positionOf(this.commits);
  }

  async discover(): Promise<Table[]> {
    return this.tables;
  }

  async check(): Promise<CheckResult[]> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    return this.findings;
  }

  async *scan(table: Table): AsyncGenerator<Batch> {
    yield scanned(table, this.content);
  }
}

function scanned(table: Table, content: ReadonlyMap<string, readonly number[]>): Batch {
  const builder = new BatchBuilder().begin({ position: '', version: 0n, time: 0, transactionId: '' });
  for (const id of content.get(tableName(table)) ?? []) builder.read(table, { id });
  return builder.build(null);
}

/** Counts rows in memory and keeps its checkpoint. */
export class FakeSink implements Sink {
  rows = 0;
  checkpoint: Checkpoint | null = null;
  findings: CheckResult[] = [{ code: 'OK', level: 'ok', message: 'writable' }];
  /** Thrown by `write`. */
  failure: Error | null = null;
  /** Thrown by `plan`. */
  planFailure: Error | null = null;
  /** What `plan` says of a table that is not refused, by `namespace.name`; `create` where nothing is said. */
  readonly actions: Map<string, TablePlan['action']> = new Map();
  /** What `plan` finds, by `namespace.name`. */
  readonly refusals: Map<string, CheckResult> = new Map();
  /** What `scan` gives, by `namespace.name`: ids. */
  readonly content: Map<string, readonly number[]> = new Map();
  readonly options: SinkOptions | null;

  constructor(options: SinkOptions | null = null) {
    this.options = options;
  }

  async plan(tables: readonly Table[]): Promise<TablePlan[]> {
    if (this.planFailure !== null) throw this.planFailure;
    return tables.map((table) => {
      const name = tableName(table);
      const findings = [this.refusals.get(name)].filter((finding) => finding !== undefined);
      const target = this.options === null ? name : Object.values(targetName(table, this.options.target)).join('.');
      const columns = table.columns.map((column) => columnPlan(column));
      return { table: name, target, action: findings.length > 0 ? 'refuse' : (this.actions.get(name) ?? 'create'), columns, findings };
    });
  }

  async open(): Promise<SinkSession> {
    let written = 0;
    return {
      mode: 'transactional',
      recover: async () => this.checkpoint,
      write: async (batch) => {
        if (this.failure !== null) throw this.failure;
        written += batch.rows;
      },
      commit: async (checkpoint) => {
        this.rows += written;
        written = 0;
        this.checkpoint = checkpoint;
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async check(): Promise<CheckResult[]> {
    return this.findings;
  }

  async *scan(table: Table): AsyncGenerator<Batch> {
    yield scanned(table, this.content);
  }

  async query(sql: string, limit: number): Promise<QueryResult> {
    return { columns: ['sql', 'limit'], rows: [[sql, String(limit)]], truncated: false };
  }
}

/** Text is all that it has, and not for everything. */
function columnPlan({ name, type, sourceType }: Column): ColumnPlan {
  const planned = { column: name, sourceType, logicalType: logicalTypeName(type) };
  if (type.kind === 'other') return { ...planned, sinkType: null };
  return type.kind === 'int' ? { ...planned, sinkType: 'TEXT' } : { ...planned, sinkType: 'TEXT', note: 'kept as text' };
}

interface FakeSourceConfig {
  readonly url: Secret;
  readonly tables: readonly string[];
  readonly port: number;
  readonly tls?: 'verify' | 'off' | undefined;
  readonly snapshot: { readonly workers: number };
}

/** A registry with one source, `postgres`, and two sinks, `duckdb` and `kafka`, which keep what they made. */
export class FakeConnectors implements Connectors {
  /** What the source of a pipeline was given for its files. */
  readonly folders: Map<string, string | undefined> = new Map();
  readonly made: Map<string, FakeSource | FakeSink> = new Map();
  /** Called with each source and sink as it is made. */
  onMade: (made: FakeSource | FakeSink) => void = () => {};
  readonly sources: Connectors['sources'];
  readonly sinks: Connectors['sinks'];

  constructor(commits = 0) {
    this.sources = [{ connector: this.#source(commits), files: [] }];
    this.sinks = [
      {
        connector: this.#sink('duckdb', z.strictObject({ path: z.string().min(1), threads: z.int().optional() })),
        files: ['path'],
      },
      { connector: this.#sink('kafka', z.strictObject({ brokers: z.array(z.string()).min(1) })), files: [] },
    ];
  }

  source(pipeline: string): FakeSource {
    return this.made.get(`${pipeline}/source`) as FakeSource;
  }

  sink(pipeline: string, name: string): FakeSink {
    return this.made.get(`${pipeline}/${name}`) as FakeSink;
  }

  #source(commits: number): SourceConnector<FakeSourceConfig> {
    return {
      kind: 'source',
      name: 'postgres',
      summary: 'a log in memory',
      schema: z.strictObject({
        url: secret,
        tables: z.array(z.string().regex(/\./, 'expected schema.table')).default(['public.*']),
        port: z.int().min(1).default(5432),
        tls: z.enum(['verify', 'off']).optional(),
        snapshot: z.strictObject({ workers: z.int().default(2) }).prefault({}),
      }),
      create: (_, { pipeline, name, folder }) => {
        this.folders.set(pipeline, folder);
        return this.#keep(`${pipeline}/${name}`, new FakeSource(commits));
      },
    };
  }

  #sink(name: string, schema: z.ZodType): SinkConnector {
    return {
      kind: 'sink',
      name,
      summary: 'counts rows',
      delivery: { class: 'A', mechanism: 'memory', limit: 'this process' },
      schema,
      create: (_, options, context) => this.#keep(`${context.pipeline}/${context.name}`, new FakeSink(options)),
    };
  }

  #keep<T extends FakeSource | FakeSink>(key: string, made: T): T {
    this.made.set(key, made);
    this.onMade(made);
    return made;
  }
}
