import type { PipelineStatus, SinkStatus } from '@weir/engine';

export const NOW = 1_750_000_000_000;

export function sinkStatus(changes: Partial<SinkStatus> = {}): SinkStatus {
  return {
    checkpoint: '0000000001A2B3C4/0000000000',
    committedAt: NOW - 400,
    commits: 12,
    rows: {
      in: 1250,
      made: 0,
      delivered: 1234,
      filtered: 0,
      skipped: 3,
      replayed: 2,
      same: 0,
      deadLetters: 0,
      abandoned: 0,
      inFlight: 11,
    },
    rowsByTable: { 'public.orders': 1000, 'public.customers': 234 },
    events: { 'public.orders': { insert: 966, update: 34 }, 'public.customers': { insert: 234 } },
    lagMs: 42,
    queueBytes: 0,
    commitMs: 8,
    schemaChanges: [],
    schemaChangeTotals: {},
    stoppedTables: [],
    repairs: {},
    ...changes,
  };
}

export function pipelineStatus(changes: Partial<PipelineStatus> = {}): PipelineStatus {
  return {
    name: 'shop',
    state: 'running',
    source: { phase: 'stream', snapshot: [], lagBytes: 1229 },
    sinks: { warehouse: sinkStatus() },
    bufferedBytes: 0,
    bufferBytes: 128 * 2 ** 20,
    attempt: 1,
    failure: null,
    ...changes,
  };
}

export function copyingStatus(changes: Partial<PipelineStatus> = {}): PipelineStatus {
  return pipelineStatus({
    source: {
      phase: 'snapshot',
      lagBytes: 0,
      snapshot: [
        { table: 'public.customers', rows: 10_000, estimatedRows: 9_000, done: true },
        { table: 'public.order_lines', rows: 33_500, estimatedRows: 120_000, done: false },
        { table: 'public.orders', rows: 24_600, estimatedRows: 60_000, done: false },
      ],
    },
    sinks: { warehouse: sinkStatus({ lagMs: null, rows: { ...sinkStatus().rows, delivered: 65_000 } }) },
    ...changes,
  });
}
