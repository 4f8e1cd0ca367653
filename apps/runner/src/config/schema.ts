import { byteSize, duration, type SchemaPolicies } from '@weir/sdk';
import { z } from 'zod';
import type { Connectors } from '../connectors.ts';
import type { HttpAddress } from './config.ts';
import { httpAddress } from './http-address.ts';
import { schemaChanges } from './schema-changes.ts';

/** What the schema makes of a file. */
export interface ParsedFile {
  readonly version: 1;
  readonly state: string;
  readonly http: HttpAddress | null;
  readonly pipelines: Readonly<Record<string, ParsedPipeline>>;
}

export interface ParsedPipeline {
  /** One connector's name and its parsed block. */
  readonly source: Readonly<Record<string, unknown>>;
  readonly sinks: Readonly<Record<string, ParsedSink>>;
  readonly buffer: 'none';
  readonly buffer_bytes: number;
  readonly shutdown_timeout: number;
}

export interface ParsedSink {
  readonly mode: 'mirror' | 'append';
  readonly target: { readonly schema: string; readonly table: string };
  readonly deletes: 'hard' | 'soft';
  readonly schema_changes: SchemaPolicies;
  readonly on_error: 'stop' | 'stop_table';
  /** And one connector's parsed block under its name. */
  readonly [connector: string]: unknown;
}

/** Keys that Weir's design has and this version has not, with what to do instead. */
export const laterKeys: Readonly<Record<string, string>> = {
  sources: 'Give the pipeline one `source`; several sources are several pipelines.',
  transforms: 'Take `transforms` out; rows are delivered as they are.',
};

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,39}$/;
const MIN_BUFFER_BYTES = 32 * 2 ** 20;
const DEFAULT_BUFFER_BYTES = '256MiB';

/** The schema of the configuration file: one definition for checking, for `weir schema` and for editors. */
export function fileSchema(connectors: Connectors): z.ZodType<ParsedFile> {
  const schema = z.strictObject({
    version: z
      .literal(1, {
        error: ({ input }) => (input === undefined ? undefined : 'expected 1, the version of this file format'),
      })
      .describe('The version of this file format.'),
    state: z
      .string({
        error: ({ input }) =>
          typeof input === 'object' ? 'a shared state is not in this version; expected a folder' : undefined,
      })
      .min(1)
      .default('./.weir')
      .describe('The folder for checkpoints and state, relative to this file. One running `weir` per folder.'),
    http: httpAddress
      .default({ host: '127.0.0.1', port: 9464 })
      .describe('Where health checks, metrics and the read-only API are served: HOST:PORT on loopback, or false.'),
    pipelines: named('pipeline', pipelineSchema(connectors)).describe('The pipelines by name.'),
  });
  return schema as unknown as z.ZodType<ParsedFile>;
}

function pipelineSchema(connectors: Connectors): z.ZodType {
  const pipeline = z.strictObject({
    source: oneConnector('source', connectors.sources, {}).describe(
      'Where the rows come from: one connector and its options.',
    ),
    sinks: named('sink', oneConnector('sink', connectors.sinks, sinkOptions))
      .superRefine(oneHistory)
      .describe('Where the rows go, by name.'),
    buffer: oneOf(['none'], ['journal', 'kafka']).default('none').describe('What stands between source and sinks.'),
    buffer_bytes: byteSize
      .refine((bytes) => bytes >= MIN_BUFFER_BYTES, { error: 'expected at least 32MiB' })
      .prefault(DEFAULT_BUFFER_BYTES)
      .describe('Bound on the memory that the pipeline holds, the sinks’ own included, such as 256MiB.'),
    shutdown_timeout: duration.prefault('30s').describe('How long a stop may take to drain, such as 30s.'),
  });
  return pipeline.superRefine(noRepairedHistory);
}

/** What a gap deleted is told to a mirror by the ranges that are read; to a history only by starting over. */
function noRepairedHistory(pipeline: unknown, context: z.RefinementCtx): void {
  const { source, sinks } = pipeline as { source: Record<string, { on_lost_position?: string }>; sinks: Sinks };
  const [history] = historiesOf(sinks);
  for (const [connector, options] of Object.entries(source)) {
    if (options.on_lost_position !== 'repair' || history === undefined) continue;
    const message = `the sink ${history} keeps a history, which cannot be repaired; expected fail or resnapshot`;
    context.addIssue({ code: 'custom', path: ['source', connector, 'on_lost_position'], message });
  }
}

/** A part of a copy that is read again for one of two histories would stand twice in the other. */
function oneHistory(sinks: unknown, context: z.RefinementCtx): void {
  const [first, ...others] = historiesOf(sinks as Sinks);
  for (const name of others) {
    const message = `another sink of this pipeline is in \`mode: append\` already (${first}); expected a pipeline of its own`;
    context.addIssue({ code: 'custom', path: [name, 'mode'], message });
  }
}

type Sinks = Readonly<Record<string, { readonly mode?: string }>>;

function historiesOf(sinks: Sinks): string[] {
  return Object.keys(sinks).filter((name) => sinks[name]!.mode === 'append');
}

const sinkOptions: z.ZodRawShape = {
  mode: z
    .enum(['mirror', 'append'])
    .default('mirror')
    .describe('mirror: the sink holds what the source holds. append: each change is a row of a history.'),
  target: z
    .strictObject({
      schema: template().default('{schema}').describe('The schema at the sink, from the source’s `{schema}` and `{table}`.'),
      table: template().default('{table}').describe('The table at the sink, from the source’s `{schema}` and `{table}`.'),
    })
    .prefault({})
    .describe('What the tables are called at the sink.'),
  deletes: z
    .enum(['hard', 'soft'])
    .default('hard')
    .describe('hard: a row deleted at the source is deleted at the sink. soft: it is kept, with `_weir_deleted_at` set.'),
  schema_changes: schemaChanges
    .prefault('apply')
    .describe('What becomes of a change of a table’s shape: apply, ignore or stop, for all kinds or by kind.'),
  on_error: oneOf(['stop', 'stop_table'], ['dead_letter'])
    .default('stop')
    .describe('stop: what the sink cannot take stops the pipeline. stop_table: only its table, when it is about one.'),
};

/** An enumeration with values that a later version knows. */
function oneOf(values: readonly [string, ...string[]], later: readonly string[]): z.ZodEnum {
  return z.enum(values, {
    error: ({ input }) =>
      later.includes(String(input)) ? `${String(input)} is not in this version; expected ${values.join(' or ')}` : undefined,
  });
}

function template(): z.ZodString {
  return z
    .string()
    .min(1)
    .refine(hasKnownPlaceholders, { error: 'expected a name; the only placeholders are {schema} and {table}' });
}

function hasKnownPlaceholders(text: string): boolean {
  return !/[{}]/.test(text.replaceAll('{schema}', '').replaceAll('{table}', ''));
}

function named(what: string, value: z.ZodType): z.ZodType {
  const key = z.string().regex(NAME, `expected a ${what} name: a letter, then letters, digits, - or _, at most 40`);
  return z
    .record(key, value)
    .refine((entries) => Object.keys(entries).length > 0, { error: `expected at least one ${what}` })
    .meta({ minProperties: 1 });
}

/** An object with exactly one connector's block, beside `options`. */
function oneConnector(
  kind: 'source' | 'sink',
  registered: readonly { connector: { name: string; summary: string; schema: z.ZodType } }[],
  options: z.ZodRawShape,
): z.ZodType {
  const names = registered.map(({ connector }) => connector.name);
  const blocks = Object.fromEntries(
    registered.map(({ connector }) => [connector.name, connector.schema.optional().describe(connector.summary)]),
  );
  const expected = `expected one connector in this ${kind}: ${names.join(', ')}`;
  return z
    .strictObject({ ...blocks, ...options })
    .refine((value) => names.filter((name) => value[name] !== undefined).length === 1, { error: expected })
    .meta({ oneOf: names.map((name) => ({ type: 'object', properties: { [name]: {} }, required: [name] })) });
}
