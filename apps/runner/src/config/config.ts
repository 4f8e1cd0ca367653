import type { ConfigPlace, SinkConnector, SinkOptions, SourceConnector } from '@weir/sdk';

/** A path in the configuration: `['pipelines', 'shop', 'source', 'postgres', 'tables', 0]`. */
export type ConfigPath = readonly (string | number)[];

/** Where the health checks, the metrics and the read-only API are served. Port 0 takes a free one. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

export interface SourceConfig {
  readonly connector: SourceConnector;
  /** What the connector's schema made of its block. */
  readonly config: unknown;
  /** Of the connector's block. */
  readonly path: ConfigPath;
  /** {@link Config.place} */
  readonly place: Config['place'];
}

export interface SinkConfig {
  readonly name: string;
  readonly connector: SinkConnector;
  readonly config: unknown;
  readonly options: SinkOptions;
  /** The keys of the connector's block that name files or folders. */
  readonly files: readonly string[];
  /** Of the connector's block. */
  readonly path: ConfigPath;
  /** {@link Config.place} */
  readonly place: Config['place'];
}

export interface PipelineConfig {
  readonly name: string;
  readonly source: SourceConfig;
  readonly sinks: readonly SinkConfig[];
  /** Bound on what the pipeline holds in memory, in bytes; half of it is the sinks' `memoryBytes` (invariant 8). */
  readonly bufferBytes: number;
  /** How long a drain may take, in ms. */
  readonly shutdownTimeoutMs: number;
}

/** A configuration file that was read and found valid. */
export interface Config {
  /** As the person named it; for messages. */
  readonly file: string;
  /** The file's folder, absolute. Relative paths in the file are relative to it. */
  readonly directory: string;
  /** Absolute. */
  readonly stateDirectory: string;
  readonly http: HttpAddress | null;
  readonly pipelines: ReadonlyMap<string, PipelineConfig>;
  /** Where a path stands in the file; the nearest enclosing place when the file does not spell it out. */
  readonly place: (path: ConfigPath) => ConfigPlace;
}

/** `pipelines.shop.source.postgres.tables[0]` */
export function pathText(path: ConfigPath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** The parts of a path as a connector names it relative to its block: `tls.ca`, `tables[0]`. */
export function parsePath(text: string): ConfigPath {
  return text
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** The keys that stand beside a sink's connector, not in its block. */
const SINK_KEYS: readonly unknown[] = ['mode', 'target', 'deletes', 'schema_changes', 'on_error'];

/** Where a path stands that a connector gives relative to its block; a sink may also name one of the sink's own options. */
export function pathWithin(block: ConfigPath, relative: string): ConfigPath {
  const path = parsePath(relative);
  const isSinkOption = block[2] === 'sinks' && SINK_KEYS.includes(path[0]);
  return [...(isSinkOption ? block.slice(0, -1) : block), ...path];
}
