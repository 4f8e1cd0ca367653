import {
  WeirError,
  logicalTypeName,
  silentLogger,
  systemClock,
  tableName,
  targetName,
  type CapturePlan,
  type CheckResult,
  type ColumnPlan,
  type CopyMethod,
  type Delivery,
  type SinkOptions,
  type SourcePlan,
  type Table,
  type TablePlan,
} from '@weir/sdk';
import { errorFinding, excuse, locateFinding, type Finding, type FindingPart } from './check.ts';
import type { Config, PipelineConfig, SinkConfig } from './config/config.ts';
import { collisions } from './plan-collisions.ts';
import { createSink, createSource } from './parts.ts';

/** A finding of `weir plan`; `table` is the one that it is about, as the source names it. */
export interface PlanFinding extends Finding {
  readonly table: string | null;
}

/** A table as the source has it. */
export interface SourceTable {
  /** `namespace.name` */
  readonly table: string;
  /** Names of the key's columns, in its order. */
  readonly key: readonly string[];
  readonly insertsOnly: boolean;
  /** The planner's guess; null when the source does not tell. */
  readonly estimatedRows: number | null;
  /**
   * How its rows would be copied: in chunks beside the stream, in one snapshot while it waits, or not at all. `known`: it was
   * captured before, so that a start goes on with it. Null when the source does not tell.
   */
  readonly copy: CopyMethod | 'known' | null;
  readonly columns: readonly {
    readonly column: string;
    readonly sourceType: string;
    readonly logicalType: string;
    readonly nullable: boolean;
  }[];
}

/** What one table becomes at a sink. */
export interface PlannedTable {
  readonly table: string;
  readonly target: string;
  /** `unknown`: the sink could not be asked. */
  readonly action: TablePlan['action'] | 'unknown';
  readonly columns: readonly ColumnPlan[];
}

export interface SinkPlan extends Pick<SinkOptions, 'mode' | 'deletes' | 'schemaChanges' | 'onError'> {
  readonly sink: string;
  readonly connector: string;
  readonly delivery: Delivery;
  readonly tables: readonly PlannedTable[];
}

/** What would be made, changed and copied at the source. */
export interface SourceSide {
  readonly connector: string;
  readonly tables: readonly SourceTable[];
  /** Captured before and not any more: their rows stay at the sinks and do not change. */
  readonly removed: readonly string[];
  /** What a start would make or change there, as statements in its language. */
  readonly changes: readonly string[];
}

export interface PipelinePlan {
  readonly pipeline: string;
  readonly source: SourceSide;
  readonly sinks: readonly SinkPlan[];
  /** The rights that a role lacks at the source or a sink, as statements for whoever may grant them. */
  readonly grants: readonly string[];
  readonly findings: readonly PlanFinding[];
}

/**
 * What the pipelines of a file would make of the tables that their sources have now. Changes nothing anywhere. A part that
 * cannot be asked is a finding, and the others are planned.
 * @param runningPid the process that runs this configuration now; null when none does
 */
export async function planPipelines(
  config: Config,
  pipelines: readonly PipelineConfig[],
  runningPid: number | null,
  signal: AbortSignal,
): Promise<PipelinePlan[]> {
  const plans: PipelinePlan[] = [];
  for (const pipeline of pipelines) {
    plans.push(await new Planning(config, pipeline, runningPid, signal).plan());
    signal.throwIfAborted();
  }
  return withCollisions(config, pipelines, plans);
}

/** What a source tells of itself; without plans, its tables are all that is known. */
interface Discovered extends Partial<Pick<SourcePlan, 'removed' | 'changes'>> {
  readonly tables: readonly (Pick<CapturePlan, 'table'> & Partial<CapturePlan>)[];
}

/** The planning of one pipeline. */
class Planning {
  readonly #config: Config;
  readonly #pipeline: PipelineConfig;
  readonly #runningPid: number | null;
  readonly #signal: AbortSignal;
  readonly #findings: PlanFinding[] = [];

  constructor(config: Config, pipeline: PipelineConfig, runningPid: number | null, signal: AbortSignal) {
    this.#config = config;
    this.#pipeline = pipeline;
    this.#runningPid = runningPid;
    this.#signal = signal;
  }

  async plan(): Promise<PipelinePlan> {
    const { name, source, sinks } = this.#pipeline;
    const { tables, removed = [], changes = [] } = await this.#discover();
    const planned: SinkPlan[] = [];
    for (const sink of sinks) planned.push(await this.#planSink(sink, tables.map(({ table }) => table)));
    const isMissing = (table: string): boolean =>
      planned.some((sink) => sink.tables.some((one) => one.table === table && one.action === 'create'));
    const sourceTables = tables.map((one) => sourceTable(one, isMissing(tableName(one.table))));
    return {
      pipeline: name,
      source: { connector: source.connector.name, tables: sourceTables, removed, changes },
      sinks: planned,
      grants: grantsOf(this.#findings),
      findings: this.#findings,
    };
  }

  async #discover(): Promise<Discovered> {
    const { source, name: pipeline } = this.#pipeline;
    const part = { part: 'source', ...source };
    const opened = createSource(source, { pipeline, name: 'source', log: silentLogger, clock: systemClock });
    try {
      for (const result of await opened.check(this.#signal)) if (result.level !== 'ok') this.#found(part, result);
      if (opened.plan !== undefined) return await opened.plan(this.#signal);
      return { tables: (await opened.discover(this.#signal)).map((table) => ({ table })) };
    } catch (error) {
      const finding = errorFinding(error);
      // A check may have said the same, and then with the place.
      if (!this.#findings.some(({ code, level }) => code === finding.code && level === 'error')) this.#found(part, finding);
      return { tables: [] };
    }
  }

  async #planSink(sink: SinkConfig, tables: readonly Table[]): Promise<SinkPlan> {
    const { connector, options } = sink;
    const { mode, deletes, schemaChanges, onError } = options;
    const own = { mode, deletes, schemaChanges, onError };
    const planned = await this.#planTables(sink, tables);
    return { sink: sink.name, connector: connector.name, delivery: connector.delivery, ...own, tables: planned };
  }

  async #planTables(sink: SinkConfig, tables: readonly Table[]): Promise<PlannedTable[]> {
    const part = partOf(sink);
    const context = { pipeline: this.#pipeline.name, name: sink.name, log: silentLogger, clock: systemClock };
    try {
      const opened = createSink(sink, context);
      if (opened.plan === undefined) throw new WeirError('WEIR_SDK_USE', `${sink.connector.name} makes no plans`);
      const planned = await opened.plan(tables, this.#signal);
      for (const { table, findings } of planned) for (const result of findings) this.#found(part, result, table);
      return planned.map(({ table, target, action, columns }) => ({ table, target, action, columns }));
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#found(part, errorFinding(error));
      return tables.map((table) => unknownTable(table, sink));
    }
  }

  #found(part: FindingPart, result: CheckResult, table: string | null = null): void {
    const finding = locateFinding(this.#config, this.#pipeline, part, excuse(result, this.#runningPid));
    this.#findings.push({ ...finding, table });
  }
}

/** Refuses tables that two sinks of the file would write to the same place. */
function withCollisions(
  config: Config,
  pipelines: readonly PipelineConfig[],
  plans: readonly PipelinePlan[],
): PipelinePlan[] {
  const found = collisions(pipelines, plans);
  return plans.map((plan, index) => {
    const pipeline = pipelines[index]!;
    const own = found.filter((collision) => collision.pipeline === plan.pipeline);
    const findings = own.map(({ sink, table, result }) => {
      const block = pipeline.sinks.find(({ name }) => name === sink)!;
      return { ...locateFinding(config, pipeline, partOf(block), result), table };
    });
    const isRefused = (sink: string, table: string): boolean => own.some((one) => one.sink === sink && one.table === table);
    const sinks = plan.sinks.map((sink) => ({
      ...sink,
      tables: sink.tables.map((table) =>
        isRefused(sink.sink, table.table) ? { ...table, action: 'refuse' as const } : table,
      ),
    }));
    return { ...plan, sinks, findings: [...plan.findings, ...findings] };
  });
}

function partOf(sink: SinkConfig): FindingPart {
  return { part: `sink ${sink.name}`, connector: sink.connector, path: sink.path };
}

/** @param isMissing at some sink: then it is copied for all of them */
function sourceTable({ table, estimatedRows, copy, known }: Discovered['tables'][number], isMissing: boolean): SourceTable {
  return {
    table: tableName(table),
    key: table.key.map((column) => table.columns[column]!.name),
    insertsOnly: table.insertsOnly === true,
    estimatedRows: estimatedRows ?? null,
    copy: known === true && !isMissing ? 'known' : (copy ?? null),
    columns: table.columns.map(({ name, type, nullable, sourceType }) => {
      return { column: name, sourceType, logicalType: logicalTypeName(type), nullable };
    }),
  };
}

/** The fixes of findings about rights that are statements, each once. */
function grantsOf(findings: readonly PlanFinding[]): string[] {
  const isGrant = ({ code, level, fix }: PlanFinding): boolean => {
    return level === 'error' && code.includes('_GRANT_') && /^(GRANT|ALTER|CREATE) /.test(fix ?? '');
  };
  return [...new Set(findings.filter(isGrant).map(({ fix }) => fix!))];
}

/** What is known of a table at a sink that could not be asked. */
function unknownTable(table: Table, { options }: SinkConfig): PlannedTable {
  const { schema, table: name } = targetName(table, options.target);
  return { table: tableName(table), target: `${schema}.${name}`, action: 'unknown', columns: [] };
}
