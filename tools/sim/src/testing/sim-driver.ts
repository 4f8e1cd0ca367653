import type { Checkpoint, ErrorCode } from '@weir/sdk';
import { boundaryPosition } from '@weir/source-postgres/parts';
import { Reading, type Discontinuity, type SourceDriver } from '@weir/testkit';
import type { CatchesUp } from '../server.ts';
import type { StreamsAfter } from '../walsender.ts';
import { SimEnvironment } from './sim-environment.ts';
import { simTypeCases } from './sim-type-cases.ts';

type Cause = Discontinuity<SimEnvironment>['cause'];

/** A source that is always past the WAL sender lets 96 MiB of a piece wait, beside what others hold. */
const CATCHING_UP_BYTES = 128 << 20;

/** @param streamsAfter changes after which a transaction is sent before its end; null: none is */
export function simDriver(name: string, streamsAfter: StreamsAfter, catchesUp: CatchesUp = 'never'): SourceDriver<SimEnvironment> {
  return {
    name,
    start: async () => new SimEnvironment(streamsAfter, catchesUp),
    typeCases: simTypeCases,
    discontinuities,
    omitsUnchanged: true,
    prunes: true,
    ...(catchesUp === 'always' && { heldBytes: CATCHING_UP_BYTES }),
  };
}

function stopped(name: string, code: ErrorCode, cause: Cause): Discontinuity<SimEnvironment> {
  return { name, code, when: 'stopped', cause };
}

/** Those that the simulated server has: it has no publications. */
const discontinuities: readonly Discontinuity<SimEnvironment>[] = [
  stopped('the slot was dropped', 'WEIR_PG_SLOT_LOST', async ({ database }) => database.dropSlot()),
  stopped('the slot was dropped and made again', 'WEIR_PG_SLOT_ADVANCED', async ({ database }) => {
    database.dropSlot();
    database.makeSlot();
  }),
  stopped('the slot was dropped and made again, and nothing was written since', 'WEIR_PG_SLOT_ADVANCED', async (environment) => {
    // The checkpoint of all that there is.
    await using reading = await Reading.open(environment.source(), null);
    await reading.untilHead();
    const { checkpoint } = reading;
    await reading[Symbol.asyncDispose]();
    environment.database.dropSlot();
    environment.database.makeSlot();
    return checkpoint;
  }),
  stopped('another reader advanced the slot', 'WEIR_PG_SLOT_ADVANCED', async (environment) => {
    await environment.apply([{ op: 'insert', id: 1000, label: 'read by another' }]);
    environment.database.makeSlot();
  }),
  stopped('the checkpoint is of another server', 'WEIR_PG_SYSTEM_CHANGED', async (_, checkpoint) => doctored(checkpoint, { system: '7' })),
  stopped('the checkpoint is of another database of the server', 'WEIR_PG_DATABASE_CHANGED', async (_, checkpoint) =>
    doctored(checkpoint, { database: 1 }),
  ),
  stopped('the checkpoint is of another timeline', 'WEIR_PG_TIMELINE_CHANGED', async (_, checkpoint) => doctored(checkpoint, { timeline: 7 })),
  stopped('the server was put back to an older copy of itself', 'WEIR_PG_LOG_BEHIND', async (_, checkpoint) => {
    return { ...checkpoint, position: boundaryPosition(0, 0x7fff_0000_0000n) };
  }),
  stopped('the checkpoint has another form', 'WEIR_PG_CHECKPOINT', async (_, checkpoint) => doctored(checkpoint, { v: 1 })),
  stopped('the position is of another source', 'WEIR_PG_CHECKPOINT', async (_, checkpoint) => {
    return { ...checkpoint, position: 'binlog.000007:4711' };
  }),
];

/** The same checkpoint with parts of its private state replaced. */
function doctored(checkpoint: Checkpoint, changes: object): Checkpoint {
  return { ...checkpoint, state: { ...(checkpoint.state as object), ...changes } };
}
