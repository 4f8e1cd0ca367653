import { unchanged, type SinkOptions, type SinkSession } from '@weir/sdk';
import { MemorySink } from '../memory-sink.ts';
import { MemoryTarget } from '../memory-target.ts';
import { tableOf } from '../memory-tables.ts';
import type { SeenBatch } from '../seen-batch.ts';
import type {
  AtLeastOnceDriver,
  IdempotentDriver,
  ReceivedEvent,
  ReceivingEnvironment,
  StagedDriver,
  StagedEnvironment,
  TransactionalDriver,
} from '../sink-driver.ts';

/** A place in memory: empty, and of one case alone. It outlives the sinks that are made over it. */
export interface MemoryPlace extends StagedEnvironment, ReceivingEnvironment {
  readonly target: MemoryTarget;
}

function placeOf(mode: SinkSession['mode']): MemoryPlace {
  const target = new MemoryTarget();
  return {
    target,
    sink: (options?: Partial<SinkOptions>) => new MemorySink(target, mode, options),
    interruptApply: () => void (target.interruptApply = true),
    refuseAll: (refuses) => void (target.refuses = refuses),
    received: async () => target.received.flatMap(eventsOf),
    [Symbol.asyncDispose]: async () => {},
  };
}

const opNames = ['', 'insert', 'update', 'delete', 'read', 'truncate'];

function eventsOf(batch: SeenBatch): ReceivedEvent[] {
  return batch.rows.map((row) => {
    const cells: Record<string, string | null> = {};
    for (const [column, cell] of (row.after ?? row.before ?? []).entries()) {
      if (cell === unchanged) continue;
      const { name } = tableOf(batch, row).columns[column]!;
      cells[name] = cell === null ? null : Buffer.from(cell, 'latin1').toString();
    }
    return { id: `${row.position} ${row.ordinal}`, table: row.table, op: opNames[row.op] as ReceivedEvent['op'], cells };
  });
}

const codes = { tableExists: 'WEIR_DUCKDB_TABLE_EXISTS' } as const;

/** A driver of each class. Their environments are places in memory, so that a test can break them. */
export const transactional = { name: 'memory', deliveryClass: 'A', codes, start: async () => placeOf('transactional') } satisfies TransactionalDriver;
export const staged = { name: 'memory', deliveryClass: 'B', codes, start: async () => placeOf('staged') } satisfies StagedDriver;
export const idempotent = { name: 'memory', deliveryClass: 'C', codes, start: async () => placeOf('idempotent') } satisfies IdempotentDriver;
export const atLeastOnce = { name: 'memory', deliveryClass: 'D', start: async () => placeOf('at-least-once') } satisfies AtLeastOnceDriver;
