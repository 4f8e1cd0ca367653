import type { Wire } from '@weir/postgres';
import { CatchUpReader, WalsenderReader, type LogReader } from '@weir/source-postgres/parts';
import { Connection } from './connection.ts';
import { PieceConnection } from './piece-connection.ts';
import type { Server } from './server.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimSlotCopy } from './sim-slot-copy.ts';

/** How far from the end of the log a reader has caught up, where the two ways take turns, in bytes. */
const NEAR = 64;

export interface LogWanted {
  readonly process: SimProcess;
  readonly server: Server;
  readonly slot: string;
  readonly from: bigint;
  /** Everything up to here is durable. */
  readonly confirmed: bigint;
  readonly signal: AbortSignal;
  /** What the reader has is at its end; another one goes on from there. */
  readonly ended: () => void;
}

/** Reads the log in one of the two ways, each with the real reader; see `LogReaders` of the real source, which decides. */
export async function openLogReader(wanted: LogWanted): Promise<LogReader> {
  const { catchesUp } = wanted.server.options;
  const isPast = catchesUp === 'always' || (catchesUp === 'by turns' && wanted.process.scheduler.dice.chance(0.7));
  return (isPast ? await catchUp(wanted) : null) ?? (await stream(wanted));
}

async function stream({ process, server, slot, signal }: LogWanted): Promise<LogReader> {
  const reconnect = async (): Promise<Wire> => {
    const connection = await process.call('source.connect', () => new Connection(process, server));
    server.connected(connection);
    if (signal.aborted) await connection[Symbol.asyncDispose]();
    return connection.wire;
  };
  return new WalsenderReader({
    wire: await reconnect(),
    reconnect,
    clock: process,
    slot,
    publications: [slot],
    protocol: { version: 2, streaming: server.streamsAfter !== null },
  });
}

/** Null where it is not possible. */
async function catchUp({ process, server, slot, from, confirmed, signal, ended }: LogWanted): Promise<LogReader | null> {
  const connection = await process.call('source.connect', () => new PieceConnection(process, server));
  server.connected(connection);
  let copy: SimSlotCopy;
  try {
    copy = await connection.copySlot(from);
  } catch {
    connection.abandon();
    return null;
  }
  const reader = new CatchUpReader({
    wire: connection.wire,
    slot: copy,
    clock: process,
    publications: [slot],
    version: 2,
    near: server.options.catchesUp === 'always' ? 0n : BigInt(process.scheduler.dice.upTo(NEAR)),
    from: confirmed,
    maxRepeated: 1n << 30n,
    pieces: server.options.pieces,
    later: (work) => void process.scheduler.turn(process, 'source.arrivals').then(work),
    ended,
  });
  if (signal.aborted) await reader[Symbol.asyncDispose]();
  return reader;
}
