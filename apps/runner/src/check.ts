import { errorCodes, silentLogger, systemClock, toWeirError, type CheckResult, type ErrorCode } from '@weir/sdk';
import { pathText, pathWithin, type Config, type ConfigPath, type PipelineConfig } from './config/config.ts';
import { createSink, createSource } from './parts.ts';

/** What an unknown code of a connector's own exits with: most of what a check finds is about connections. */
const DEFAULT_EXIT = 3;

/** One finding of `weir check`, with its place in the file. */
export interface Finding {
  readonly pipeline: string;
  /** `source`, or `sink NAME`. */
  readonly part: string;
  readonly connector: string;
  readonly code: string;
  readonly level: CheckResult['level'];
  readonly message: string;
  readonly fix: string | null;
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** What a finding is about. */
export interface FindingPart {
  readonly part: string;
  readonly connector: { readonly name: string };
  /** Of the connector's block. */
  readonly path: ConfigPath;
}

interface Part extends FindingPart {
  check(): Promise<CheckResult[]>;
}

/**
 * Asks the source and every sink of a pipeline whether they can do their work.
 * @param runningPid the process that runs this configuration now and so holds what only one process can; null when none does
 */
export async function checkPipeline(
  config: Config,
  pipeline: PipelineConfig,
  runningPid: number | null,
  signal: AbortSignal,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const part of partsOf(pipeline, signal)) {
    for (const result of await checkPart(part)) {
      signal.throwIfAborted();
      findings.push(locateFinding(config, pipeline, part, excuse(result, runningPid)));
    }
  }
  return findings;
}

/** The first finding of level error, with the exit code of its error code; null when there is none. */
export function firstError<T extends Finding>(
  findings: readonly T[],
  defaultExit: number = DEFAULT_EXIT,
): { finding: T; exit: number } | null {
  const finding = findings.find(({ level }) => level === 'error');
  if (finding === undefined) return null;
  const exit = finding.code in errorCodes ? errorCodes[finding.code as ErrorCode].exit : defaultExit;
  return { finding, exit };
}

function partsOf(pipeline: PipelineConfig, signal: AbortSignal): Part[] {
  const context = { pipeline: pipeline.name, log: silentLogger, clock: systemClock };
  const { source, sinks } = pipeline;
  return [
    { part: 'source', ...source, check: () => createSource(source, { ...context, name: 'source' }).check(signal) },
    ...sinks.map((sink) => ({
      part: `sink ${sink.name}`,
      ...sink,
      check: () => createSink(sink, { ...context, name: sink.name }).check(signal),
    })),
  ];
}

/** A check that throws has found an error. */
async function checkPart(part: Part): Promise<CheckResult[]> {
  try {
    return await part.check();
  } catch (error) {
    return [errorFinding(error)];
  }
}

/** Something thrown, as a finding. */
export function errorFinding(error: unknown): CheckResult {
  const { code, message, fix, path } = toWeirError(error);
  return { code, level: 'error', message, fix, ...(path === undefined ? {} : { path }) };
}

/** What the running process holds is not a problem of the configuration. @param pid null when none runs */
export function excuse(result: CheckResult, pid: number | null): CheckResult {
  if (pid === null) return result;
  const held = result.code === 'WEIR_DUCKDB_LOCKED' || result.code === 'WEIR_PG_SLOT_IN_USE';
  if (!held || result.level !== 'error') return result;
  return {
    ...result,
    level: 'warning',
    message: `in use by the running weir, process ${pid}`,
    fix: 'Nothing to do; stop it to check further.',
  };
}

export function locateFinding(
  config: Config,
  pipeline: PipelineConfig,
  part: FindingPart,
  result: CheckResult,
): Finding {
  const path = pathWithin(part.path, result.path ?? '');
  const { line, column } = config.place(path);
  return {
    pipeline: pipeline.name,
    part: part.part,
    connector: part.connector.name,
    code: result.code,
    level: result.level,
    message: result.message,
    fix: result.fix ?? null,
    path: pathText(path),
    line,
    column,
  };
}
