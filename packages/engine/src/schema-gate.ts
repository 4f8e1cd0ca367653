import {
  WeirError,
  filterRows,
  tableName,
  type Batch,
  type Clock,
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
export type SinkPolicies = Pick<SinkOptions, 'schemaChanges' | 'onError'>;

const ignoredTable: StopReason = {
  code: 'WEIR_SCHEMA_IGNORED',
  message: 'the table is new, and `schema_changes` ignores new tables',
};

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

  constructor(options: SchemaGateOptions) {
    this.#options = options;
  }

  /** True when one table of this sink can be stopped while the others go on. */
  get #canStopTables(): boolean {
    const { session, policies } = this.#options;
    return policies.onError === 'stop_table' && session.stopTable !== undefined;
  }

  /** The batch as the sink is to have it, when it has been told `ignored`. @throws WeirError WEIR_SCHEMA_CHANGE */
  admit(batch: Batch): Batch {
    this.#note(batch);
    const schemaChanges = batch.schemaChanges.filter((change) =>
      change.change === 'create' ? this.#admitsCreate(change) : this.#admits(change),
    );
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

  #admits(change: SchemaChange): boolean {
    const { record, policies } = this.#options;
    if (record.stops.all.has(tableName(change.table))) return false;
    const policy = policies.schemaChanges[change.change];
    if (policy === 'stop') throw this.#refusal(change);
    record.schema.noted(change, policy);
    return policy === 'apply';
  }

  #admitsCreate(change: SchemaChange & { readonly change: 'create' }): boolean {
    const { stops, schema } = this.#options.record;
    const { create: policy } = this.#options.policies.schemaChanges;
    const name = tableName(change.table);
    if (stops.holdsBack(name, this.#from, this.#isCopied)) return false;
    // A table that was ignored when it was new is not wanted when it is copied once more either.
    const isIgnored = stops.all.get(name)?.code === 'WEIR_SCHEMA_IGNORED';
    if (change.reason === 'again' && isIgnored && policy !== 'apply') return false;
    if (change.reason === 'new' && policy === 'stop') throw this.#refusal(change);
    if (change.reason === 'new' && policy === 'ignore') {
      this.#ignore(change);
      return false;
    }
    stops.started(name);
    if (change.reason === 'new' || change.reason === 'again') schema.noted(change, 'apply');
    return true;
  }

  #ignore(change: SchemaChange): void {
    const { session, shard, record } = this.#options;
    const table = tableName(change.table);
    if (session.stopTable === undefined) {
      const message = `${table} is new, and sink ${shard.sink} cannot remember to ignore a table`;
      throw new WeirError('WEIR_SCHEMA_CHANGE', message, { ...this.#allow('create'), table });
    }
    this.#ignored.push(change.table);
    record.stops.marked(table, ignoredTable);
    record.schema.noted(change, 'ignore');
  }

  #refusal(change: SchemaChange): WeirError {
    const { clock, log, record, shard } = this.#options;
    const fields = changeFields(change);
    const { table } = fields;
    const action: SchemaAction = this.#canStopTables ? 'stop_table' : 'stop';
    record.schema.happened(change, action, clock.now());
    log.warn({ ...shardFields(shard), ...fields, action }, `${table}: ${describeChange(change)}`);
    const message = `${table}: ${describeChange(change)}, and \`schema_changes\` of sink ${shard.sink} says stop`;
    return new WeirError('WEIR_SCHEMA_CHANGE', message, { ...this.#allow(change.change), table });
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

/** What the log and the status tell of a change. */
function changeFields(change: SchemaChange): { table: string; change: SchemaChangeKind; column: string | null } {
  return { table: tableName(change.table), change: change.change, column: columnOf(change) };
}
