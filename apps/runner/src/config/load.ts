import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { WeirError, type SinkConnector, type SourceConnector } from '@weir/sdk';
import { connectors as allConnectors, type Connectors, type Registered } from '../connectors.ts';
import type { Config, ConfigPath, PipelineConfig, SinkConfig, SourceConfig } from './config.ts';
import { ConfigErrors } from './config-errors.ts';
import { ConfigDocument } from './document.ts';
import { IssueReport } from './issues.ts';
import { fileJsonSchema } from './json-schema.ts';
import { fileSchema, type ParsedFile, type ParsedPipeline, type ParsedSink } from './schema.ts';

const MAX_FILE_BYTES = 2 ** 20;
/** What stands for something else where a file could be named: a database in memory, the operating system's authorities. */
const NO_FILES = new Set([':memory:', 'system']);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks a configuration file.
 * @param env where `${NAME}` is looked up
 * @throws ConfigErrors with everything that is wrong, each with its place; codes WEIR_CONFIG_*
 */
export function loadConfig(file: string, env: Environment = process.env, connectors: Connectors = allConnectors): Config {
  const directory = dirname(resolve(file));
  const { document, errors } = ConfigDocument.parse(file, readConfigFile(file));
  if (document === null) throw new ConfigErrors(errors);
  const variableErrors = document.resolveVariables({ env, directory });
  const { parsed, invalid } = parse(document, directory, connectors);
  if (parsed === null || variableErrors.length > 0) throw new ConfigErrors([...variableErrors, ...invalid].sort(byPlace));
  const place = (path: ConfigPath) => document.placeOfValue(path);
  const making: Making = { connectors, place };
  const pipelines = Object.entries(parsed.pipelines).map(([name, pipeline]) => pipelineConfig(name, pipeline, making));
  return {
    file,
    directory,
    stateDirectory: resolve(directory, parsed.state),
    http: parsed.http,
    pipelines: new Map(pipelines.map((pipeline) => [pipeline.name, pipeline])),
    place,
  };
}

function readConfigFile(file: string): string {
  try {
    const { size } = statSync(file);
    if (size <= MAX_FILE_BYTES) return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new WeirError(
      'WEIR_CONFIG_FILE',
      code === 'ENOENT' ? `${file} does not exist` : `${file} cannot be read (${code})`,
      { cause: error },
    );
  }
  throw new WeirError('WEIR_CONFIG_FILE', `${file} is larger than ${MAX_FILE_BYTES} bytes`, {
    fix: 'Name a configuration file.',
  });
}

function parse(
  document: ConfigDocument,
  directory: string,
  connectors: Connectors,
): { parsed: ParsedFile | null; invalid: WeirError[] } {
  const schema = fileSchema(connectors);
  let result = schema.safeParse(withAbsolutePaths(document.values(), directory, connectors));
  if (!result.success && retypeReferences(document, result.error.issues)) {
    result = schema.safeParse(withAbsolutePaths(document.values(), directory, connectors));
  }
  if (result.success) return { parsed: result.data, invalid: [] };
  const report = new IssueReport(document, fileJsonSchema(connectors));
  report.addAll(result.error.issues);
  return { parsed: null, invalid: report.errors };
}

/** `port: ${PORT}` is text where a number is wanted; reads those references as YAML would. True when there was one. */
function retypeReferences(document: ConfigDocument, issues: readonly { code: string; path: PropertyKey[] }[]): boolean {
  return issues
    .filter(({ code }) => code === 'invalid_type' || code === 'invalid_union' || code === 'invalid_value')
    .map(({ path }) => document.retype(path as ConfigPath))
    .includes(true);
}

/** The file's values with the connectors' file names made absolute. */
function withAbsolutePaths(values: unknown, directory: string, { sources, sinks }: Connectors): unknown {
  for (const pipeline of Object.values(record(record(values)['pipelines'])).map(record)) {
    makeAbsolute(record(pipeline['source']), sources, directory);
    for (const sink of Object.values(record(pipeline['sinks']))) makeAbsolute(record(sink), sinks, directory);
  }
  return values;
}

function makeAbsolute(
  block: Record<string, unknown>,
  registered: readonly Registered<{ name: string }>[],
  directory: string,
): void {
  for (const { connector, files } of registered) {
    const options = record(block[connector.name]);
    for (const path of files) {
      const key = path.slice(path.indexOf('.') + 1);
      const holder = key === path ? options : record(options[path.slice(0, path.indexOf('.'))]);
      const name = holder[key];
      if (typeof name === 'string' && name !== '' && !NO_FILES.has(name)) holder[key] = resolve(directory, name);
    }
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

interface Making {
  readonly connectors: Connectors;
  readonly place: Config['place'];
}

function pipelineConfig(name: string, parsed: ParsedPipeline, making: Making): PipelineConfig {
  const sinks = Object.entries(parsed.sinks);
  const memoryBytes = Math.floor(parsed.buffer_bytes / 2 / sinks.length);
  return {
    name,
    source: sourceConfig(name, parsed.source, making),
    sinks: sinks.map(([sinkName, sink]) => sinkConfig([name, sinkName], sink, memoryBytes, making)),
    bufferBytes: parsed.buffer_bytes,
    shutdownTimeoutMs: parsed.shutdown_timeout,
  };
}

function sourceConfig(
  pipeline: string,
  block: Readonly<Record<string, unknown>>,
  { connectors, place }: Making,
): SourceConfig {
  const { connector } = named<SourceConnector>(block, connectors.sources);
  return { connector, config: block[connector.name], path: ['pipelines', pipeline, 'source', connector.name], place };
}

function sinkConfig(
  [pipeline, name]: [string, string],
  sink: ParsedSink,
  memoryBytes: number,
  { connectors, place }: Making,
): SinkConfig {
  const { connector, files } = named<SinkConnector>(sink, connectors.sinks);
  const { mode, target, deletes, schema_changes: schemaChanges, on_error: onError } = sink;
  return {
    name,
    connector,
    config: sink[connector.name],
    files,
    options: { mode, target, deletes, schemaChanges, onError, memoryBytes },
    path: ['pipelines', pipeline, 'sinks', name, connector.name],
    place,
  };
}

/** The schema has made sure that there is exactly one. */
function named<T extends { name: string }>(
  block: Readonly<Record<string, unknown>>,
  registered: readonly Registered<T>[],
): Registered<T> {
  return registered.find(({ connector }) => block[connector.name] !== undefined)!;
}

function byPlace(a: WeirError, b: WeirError): number {
  return (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0);
}
