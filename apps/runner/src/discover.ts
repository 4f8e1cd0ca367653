import {
  logicalTypeName,
  silentLogger,
  systemClock,
  tableName,
  type CapturePlan,
  type CopyMethod,
  type Source,
} from '@weir/sdk';
import type { PipelineConfig } from './config/config.ts';
import { createSource } from './parts.ts';

/** A table of a source, and how it would be captured. */
export interface DiscoveredTable {
  /** `namespace.name` */
  readonly table: string;
  /** Names of the key's columns, in its order. */
  readonly key: readonly string[];
  /** The planner's guess; null when the source does not tell. */
  readonly estimatedRows: number | null;
  /** `changes`: every change. `inserts`: only inserts and truncates. `refused`: `problem` says why the pipeline would not start. */
  readonly captured: 'changes' | 'inserts' | 'refused';
  /** How rows that are there already are copied; null when the source does not tell. */
  readonly copy: CopyMethod | null;
  readonly note: string | null;
  readonly problem: { readonly code: string; readonly message: string; readonly fix: string | null } | null;
  readonly columns: readonly {
    readonly column: string;
    readonly sourceType: string;
    readonly logicalType: string;
    readonly nullable: boolean;
  }[];
}

export interface DiscoveredSource {
  readonly pipeline: string;
  readonly connector: string;
  readonly tables: readonly DiscoveredTable[];
  /** What the source has and the pipeline does not capture. */
  readonly others: readonly { readonly table: string; readonly why: string }[];
}

/** The tables of a pipeline's source. @throws WeirError when the source cannot be reached */
export async function discoverSource({ name, source: block }: PipelineConfig, signal: AbortSignal): Promise<DiscoveredSource> {
  const context = { pipeline: name, name: 'source', log: silentLogger, clock: systemClock };
  const source = createSource(block, context);
  const { tables, others } = await captured(source, signal);
  return { pipeline: name, connector: block.connector.name, tables: tables.map(discoveredTable), others };
}

type Found = Pick<CapturePlan, 'table'> & Partial<CapturePlan>;

async function captured(source: Source, signal: AbortSignal): Promise<{ tables: readonly Found[]; others: DiscoveredSource['others'] }> {
  if (source.plan !== undefined) return await source.plan(signal);
  return { tables: (await source.discover(signal)).map((table) => ({ table })), others: [] };
}

function discoveredTable({ table, estimatedRows, copy, note = null, problem = null }: Found): DiscoveredTable {
  return {
    table: tableName(table),
    key: table.key.map((column) => table.columns[column]!.name),
    estimatedRows: estimatedRows ?? null,
    captured: problem !== null ? 'refused' : table.insertsOnly === true ? 'inserts' : 'changes',
    copy: copy ?? null,
    note,
    problem: problem && { code: problem.code, message: problem.message, fix: problem.fix ?? null },
    columns: table.columns.map(({ name, type, nullable, sourceType }) => {
      return { column: name, sourceType, logicalType: logicalTypeName(type), nullable };
    }),
  };
}
