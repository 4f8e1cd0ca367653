import { WeirError, type QueryResult, type Sink } from '@weir/sdk';
import { z } from 'zod';
import type { ApiHost } from './host.ts';

/** Most rows that one answer may hold. */
export const MAX_SQL_ROWS = 100_000;
export const DEFAULT_SQL_ROWS = 1000;

/** The body of `POST /v1/sql`. */
export const sqlRequest: z.ZodType<SqlRequest> = z.strictObject({
  sink: z.string().min(1),
  pipeline: z.string().min(1).optional(),
  sql: z.string().min(1),
  limit: z.int().min(1).max(MAX_SQL_ROWS).default(DEFAULT_SQL_ROWS),
});

export interface SqlRequest {
  readonly sink: string;
  /** Needed when several pipelines have a sink of that name. */
  readonly pipeline?: string | undefined;
  readonly sql: string;
  readonly limit: number;
}

/** Asks a sink of a running pipeline. @throws WeirError WEIR_API_REQUEST, or the sink's own */
export async function answerSql(host: ApiHost, request: SqlRequest, signal: AbortSignal): Promise<QueryResult> {
  const byPipeline = host.status().pipelines.map(({ name }) => [name, host.sinks(name) ?? new Map<string, Sink>()] as const);
  const sink = chooseSink(new Map(byPipeline), request);
  return await querySink(sink, request, signal);
}

/** The one sink of that name. @throws WeirError WEIR_API_REQUEST when there is none, or several */
export function chooseSink<T>(
  sinks: ReadonlyMap<string, ReadonlyMap<string, T>>,
  { sink, pipeline }: Pick<SqlRequest, 'sink' | 'pipeline'>,
): T {
  const found = [...sinks].filter(([name, of]) => (pipeline === undefined || name === pipeline) && of.has(sink));
  if (found.length === 1) return found[0]![1].get(sink)!;
  if (found.length > 1) {
    const names = found.map(([name]) => name).join(', ');
    throw new WeirError('WEIR_API_REQUEST', `several pipelines have a sink ${sink}`, {
      fix: `Say which with --pipeline: ${names}.`,
    });
  }
  const known = [...sinks].flatMap(([name, of]) => [...of.keys()].map((other) => `${other} (pipeline ${name})`));
  throw new WeirError(
    'WEIR_API_REQUEST',
    `there is no sink ${sink}${pipeline === undefined ? '' : ` in pipeline ${pipeline}`}`,
    {
      fix: `Name one of: ${known.join(', ')}.`,
    },
  );
}

/** @throws WeirError WEIR_API_REQUEST when the sink answers no queries, or the sink's own */
export async function querySink(
  sink: Sink,
  { sink: name, sql, limit }: SqlRequest,
  signal: AbortSignal,
): Promise<QueryResult> {
  if (sink.query !== undefined) return await sink.query(sql, limit, signal);
  throw new WeirError('WEIR_API_REQUEST', `the sink ${name} answers no queries`, {
    fix: 'Ask the system that it writes to.',
  });
}
