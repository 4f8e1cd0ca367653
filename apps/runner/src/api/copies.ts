import type { RepairTally } from '@weir/engine';
import { tableName, WeirError, type CopyAgain, type Source } from '@weir/sdk';
import { z } from 'zod';
import type { ApiHost, Copies } from './host.ts';

/** The body of `POST /v1/copies`. */
export const copyRequest: z.ZodType<CopyRequest> = z.strictObject({
  pipeline: z.string().min(1).optional(),
  tables: z.array(z.string().min(1)).default([]),
  how: z.enum(['anew', 'in-place', 'repair']),
  wait: z.boolean().default(false),
});

export interface CopyRequest {
  /** Needed when several pipelines run. */
  readonly pipeline?: string | undefined;
  /** `namespace.name`; none: all that can be copied so. */
  readonly tables: readonly string[];
  readonly how: CopyAgain;
  /** Answer when every sink holds what was copied, instead of when the copy has begun. */
  readonly wait: boolean;
}

/** What became of a request. */
export interface CopyAnswer {
  readonly pipeline: string;
  readonly how: CopyAgain;
  readonly tables: readonly string[];
  /** Tables of the pipeline that cannot be copied so, when none was named. */
  readonly leftOut: readonly { readonly table: string; readonly why: string }[];
  /** Every sink holds what was copied; otherwise the copy has begun. */
  readonly done: boolean;
  /** What a repair that is done found, by sink and table. */
  readonly repairs?: Readonly<Record<string, Readonly<Record<string, RepairTally>>>>;
}

/** @throws WeirError WEIR_API_REQUEST, WEIR_NOT_RUNNING, or the engine's and the source's own */
export async function answerCopy(host: ApiHost, request: CopyRequest, signal: AbortSignal): Promise<CopyAnswer> {
  const { how, wait } = request;
  const { name, copies } = chooseCopied(host, request.pipeline);
  const all = request.tables.length > 0 ? null : await tablesToCopy(copies.source, how, signal);
  const tables = all?.tables ?? [...new Set(request.tables)];
  if (tables.length > 0) {
    const copy = await copies.begin(tables, how);
    if (wait) await copy.done;
  }
  const done = wait || tables.length === 0;
  const repairs = how === 'repair' && done ? { repairs: repairsOf(host, name, tables) } : {};
  return { pipeline: name, how, tables, leftOut: all?.leftOut ?? [], done, ...repairs };
}

function repairsOf(host: ApiHost, pipeline: string, tables: readonly string[]): NonNullable<CopyAnswer['repairs']> {
  const sinks = host.status().pipelines.find(({ name }) => name === pipeline)?.sinks ?? {};
  const asked = new Set(tables);
  return Object.fromEntries(
    Object.entries(sinks).map(([sink, { repairs }]) => [
      sink,
      Object.fromEntries(Object.entries(repairs).filter(([table]) => asked.has(table))),
    ]),
  );
}

function chooseCopied(host: ApiHost, pipeline: string | undefined): { name: string; copies: Copies } {
  const names = host.status().pipelines.map(({ name }) => name);
  if (pipeline === undefined && names.length > 1) {
    const fix = `Say which with --pipeline: ${names.join(', ')}.`;
    throw new WeirError('WEIR_API_REQUEST', 'several pipelines run', { fix });
  }
  const name = pipeline ?? names[0]!;
  const copies = host.copies(name);
  if (copies !== undefined) return { name, copies };
  throw new WeirError('WEIR_NOT_RUNNING', `the process that runs does not run the pipeline ${name}`, {
    fix: `It runs ${names.join(', ')}; start it again for another file.`,
  });
}

/** Without a key that says which rows a range holds, rows can only be read over those of a table that starts empty. */
async function tablesToCopy(source: Source, how: CopyAgain, signal: AbortSignal): Promise<Pick<CopyAnswer, 'tables' | 'leftOut'>> {
  const found = await copyMethods(source, signal);
  const isCopied = (byKey: boolean): boolean => how === 'anew' || byKey;
  return {
    tables: found.filter(({ byKey }) => isCopied(byKey)).map(({ table }) => table),
    leftOut: found.filter(({ byKey }) => !isCopied(byKey)).map(({ table }) => ({ table, why: 'it is not copied by key: `weir resync` copies it anew' })),
  };
}

async function copyMethods(source: Source, signal: AbortSignal): Promise<{ table: string; byKey: boolean }[]> {
  if (source.plan !== undefined) {
    const { tables } = await source.plan(signal);
    return tables.map(({ table, copy }) => ({ table: tableName(table), byKey: copy === 'by-key' }));
  }
  return (await source.discover(signal)).map((table) => ({ table: tableName(table), byKey: table.key.length > 0 }));
}
