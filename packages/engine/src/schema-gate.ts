import {
  WeirError,
  filterRows,
  tableName,
  type Batch,
  type Clock,
  type ErrorCode,
  type Logger,
  type Position,
  type SchemaChange,
  type SchemaChangeKind,
  type Shard,
  type SinkOptions,
  type SinkSession,
  type StopReason,
  type Table,
} from '@weir/sdk';
import { isCopy } from './copy.ts';
import type { LaneRecord } from './lane-record.ts';
import { columnOf, describeChange, type SchemaAction } from './schema-events.ts';
import type { StoppedTable } from './table-stops.ts';

/** What a pipeline has to know of a sink's options. */
export type SinkPolicies = Pick<SinkOptions, 'mode' | 'schemaChanges' | 'onError'>;

const ignoredTable = {
  code: 'WEIR_SCHEMA_IGNORED',
  message: 'the table is new, and `schema_changes` ignores new tables',
} as const satisfies StopReason;

type CreateChange = SchemaChange & { readonly change: 'create' };

/** `start`: a `create` that goes to the sink. `mark`: a new table that is ignored. `withhold`: about a stopped table. */
type Verdict = 'start' | 'mark' | 'apply' | 'ignore' | 'withhold' | 'refuse';

export interface SchemaGateOptions {
  readonly session: SinkSession;
  readonly shard: Shard;
  readonly policies: SinkPolicies;
  readonly clock: Clock;
  readonly log: Logger;
  readonly record: LaneRecord;
}

/**
 * What stands between a lane's batches and its sink: lets a schema change through, or not, as the sink's policy for it
 * says, and leaves out what is about tables that are stopped there.
 */
export class SchemaGate {
  readonly #options: SchemaGateOptions;
  /** Every table that a batch of this attempt named. */
  readonly #tables = new Map<string, StoppedTable>();
  /** Where the last batch begins and ends, and whether it is of a copy whose end a chunk tells. */
  #from: Position = '';
  #at: Position = '';
  #isCopied = false;
  #ignored: Table[] = [];
  #refused: { readonly error: WeirError; readonly change: SchemaChange } | null = null;

  constructor(options: SchemaGateOptions) {
    this.#options = options;
  }

  /** True when one table of this sink can be stopped while the others go on. */
  get #canStopTables(): boolean {
    const { session, policies } = this.#options;
    return policies.onError === 'stop_table' && session.stopTable !== undefined;
  }

  /**
   * The batch as the sink is to have it once `mark` was told. A refusal changes nothing.
   * @throws WeirError WEIR_SCHEMA_CHANGE
   */
  admit(batch: Batch): Batch {
    this.#note(batch);
    const schemaChanges = batch.schemaChanges.length === 0 ? batch.schemaChanges : this.#admitted(batch.schemaChanges);
    const rest = this.#withoutStopped(batch);
    return schemaChanges.length === rest.schemaChanges.length ? rest : { ...rest, schemaChanges };
  }

  /** Tells the sink which tables are ignored from the batch on that was admitted last. */
  async mark(): Promise<void> {
    for (const table of this.#ignored.splice(0)) await this.#options.session.stopTable!(table, ignoredTable);
  }

  /** Whether there is something to tell. */
  get hasMarks(): boolean {
    return this.#ignored.length > 0;
  }

  /** The sink refused something, or `admit` did: where that is about one table it is to be stopped. */
  failed(error: unknown): void {
    const refused = this.#refused;
    if (refused !== null && refused.error === error) this.#noteRefused(refused.change);
    if (!(error instanceof WeirError) || error.table === undefined) return;
    if (error.policy.policy !== 'stop' || !this.#canStopTables) return;
    const { code, message, table: name } = error;
    const [namespace = '', ...rest] = name.split('.');
    const table = this.#tables.get(name) ?? { namespace, name: rest.join('.') };
    this.#options.record.stops.failed(name, table, { error, reason: { code, message }, at: this.#at, isCopied: this.#isCopied });
  }

  /** What was admitted, and what was not, is durable now. */
  committed(): void {
    const { clock, log, record, shard } = this.#options;
    for (const { change, action } of record.schema.committed(clock.now())) {
      const fields = { ...shardFields(shard), ...changeFields(change), action };
      const message = `${fields.table}: ${describeChange(change)}`;
      if (action === 'apply') log.info(fields, message);
      else log.warn(fields, `${message}, which this sink ignores`);
    }
  }

  #note(batch: Batch): void {
    for (const table of batch.tables) this.#tables.set(tableName(table), table);
    for (const { table } of batch.schemaChanges) this.#tables.set(tableName(table), table);
    this.#at = batch.checkpoint?.position ?? batch.commits.at(-1)?.position ?? this.#at;
    this.#from = batch.commits[0]?.position ?? this.#at;
    const isStart = (change: SchemaChange): boolean => change.change === 'create' && change.reason !== 'new';
    this.#isCopied = isCopy(batch) && (batch.chunk !== null || batch.schemaChanges.some(isStart));
  }

  #admitted(changes: readonly SchemaChange[]): SchemaChange[] {
    const judged = this.#judge(changes);
    for (const { change, verdict } of judged) if (verdict === 'refuse') throw this.#refusal(change);
    for (const { change, verdict } of judged) this.#carryOut(change, verdict);
    return judged.flatMap(({ change, verdict }) => (verdict === 'start' || verdict === 'apply' ? [change] : []));
  }

  /** Each change as the ones before it leave the tables. */
  #judge(changes: readonly SchemaChange[]): { change: SchemaChange; verdict: Verdict }[] {
    const stopped = new Map(Array.from(this.#options.record.stops.all, ([name, { code }]) => [name, code]));
    return changes.map((change) => {
      const name = tableName(change.table);
      const verdict = change.change === 'create' ? this.#judgeCreate(change, stopped.get(name)) : this.#judgeOne(change, stopped);
      if (verdict === 'start') stopped.delete(name);
      if (verdict === 'mark') stopped.set(name, ignoredTable.code);
      return { change, verdict };
    });
  }

  #judgeOne({ table, change }: SchemaChange, stopped: ReadonlyMap<string, ErrorCode>): Verdict {
    if (stopped.has(tableName(table))) return 'withhold';
    const policy = this.#options.policies.schemaChanges[change];
    return policy === 'stop' ? 'refuse' : policy;
  }

  #judgeCreate({ table, reason }: CreateChange, stoppedBy: ErrorCode | undefined): Verdict {
    const { record, policies } = this.#options;
    const { create: policy } = policies.schemaChanges;
    if (record.stops.holdsBack(tableName(table), this.#from, this.#isCopied)) return 'withhold';
    // A table that was ignored when it was new is not wanted when it is copied once more either.
    if (reason === 'again' && stoppedBy === ignoredTable.code && policy !== 'apply') return 'withhold';
    if (reason !== 'new' || policy === 'apply') return 'start';
    return policy === 'ignore' && this.#options.session.stopTable !== undefined ? 'mark' : 'refuse';
  }

  #carryOut(change: SchemaChange, verdict: Verdict): void {
    const { stops, schema } = this.#options.record;
    const name = tableName(change.table);
    switch (verdict) {
      case 'start':
        stops.started(name);
        if (isEvent(change)) schema.noted(change, 'apply');
        break;
      case 'mark':
        this.#ignored.push(change.table);
        stops.marked(name, ignoredTable);
        schema.noted(change, 'ignore');
        break;
      case 'apply':
      case 'ignore':
        schema.noted(change, verdict);
        break;
      default:
    }
  }

  #refusal(change: SchemaChange): WeirError {
    const { sink } = this.#options.shard;
    const table = tableName(change.table);
    const { [change.change]: policy } = this.#options.policies.schemaChanges;
    const why = policy === 'stop' ? `\`schema_changes\` of sink ${sink} says stop` : `sink ${sink} cannot remember to ignore a table`;
    const message = `${table}: ${describeChange(change)}, and ${why}`;
    const error = new WeirError('WEIR_SCHEMA_CHANGE', message, { ...this.#allow(change.change), table });
    this.#refused = { error, change };
    return error;
  }

  /** Tells of a change that ends the attempt: it is in no commit. */
  #noteRefused(change: SchemaChange): void {
    const { clock, log, record, shard } = this.#options;
    const action: SchemaAction = this.#canStopTables ? 'stop_table' : 'stop';
    const fields = changeFields(change);
    record.schema.happened(change, action, clock.now());
    log.warn({ ...shardFields(shard), ...fields, action }, `${fields.table}: ${describeChange(change)}`);
  }

  /** The place of the policy in the YAML, and the line that allows the change. */
  #allow(kind: SchemaChangeKind): { fix: string; path: string } {
    const { pipeline, sink } = this.#options.shard;
    const key = kind.replace('-', '_');
    return {
      fix: `Write \`schema_changes: { ${key}: apply }\` for the sink ${sink}, then start again.`,
      path: `pipelines.${pipeline}.sinks.${sink}.schema_changes.${key}`,
    };
  }

  /** Without the rows of stopped tables; they count as filtered (invariant 7). */
  #withoutStopped(batch: Batch): Batch {
    const { record } = this.#options;
    const { stops } = record;
    if (stops.all.size === 0) return batch;
    const isStopped = batch.tables.map((table: Table) => stops.all.has(tableName(table)));
    if (!isStopped.includes(true)) return batch;
    const rest = filterRows(batch, (row) => isStopped[batch.table[row]!] !== true);
    record.filtered(batch.rows - rest.rows);
    if (batch.chunk === null || !isStopped[batch.chunk.table]) return rest;
    stops.passed(tableName(batch.tables[batch.chunk.table]!), batch.chunk.last);
    // The sink must not take the absence of these rows for a range without any.
    return { ...rest, chunk: null };
  }
}

/** What every log line about a sink names. */
export function shardFields({ pipeline, sink }: Shard): { pipeline: string; sink: string } {
  return { pipeline, sink };
}

/** The tables of a first copy are no event. */
function isEvent(change: SchemaChange): boolean {
  return change.change !== 'create' || change.reason === 'new' || change.reason === 'again';
}

/** What the log and the status tell of a change. */
function changeFields(change: SchemaChange): { table: string; change: SchemaChangeKind; column: string | null } {
  return { table: tableName(change.table), change: change.change, column: columnOf(change) };
}
