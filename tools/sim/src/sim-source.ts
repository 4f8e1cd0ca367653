import { WeirError, type Checkpoint, type Position, type Source, type SourceSession } from '@weir/sdk';
import {
  VisibleTransactions,
  boundaryPosition,
  copiesBegun,
  nextEpoch,
  positionEpoch,
  positionLsn,
  readState,
  type PostgresState,
} from '@weir/source-postgres/parts';
import type { Server } from './server.ts';
import type { SimProcess } from './sim-process.ts';
import { SimSession } from './sim-session.ts';

const SLOT = 'weir_shop';

/** A source over the simulated server, made of the parts of the real one that decide about rows. */
export class SimSource implements Pick<Source, 'open'> {
  readonly #process: SimProcess;
  readonly #server: Server;

  constructor(process: SimProcess, server: Server) {
    this.#process = process;
    this.#server = server;
  }

  async open(from: Checkpoint | null, signal: AbortSignal, reach: Position | null = null): Promise<SourceSession> {
    signal.throwIfAborted();
    const { database } = this.#server;
    const known = from === null ? null : readState(from);
    const opened = await this.#process.call('source.open', () => {
      if (from !== null) {
        // A runner that was replaced has begun from nothing meanwhile, and one of the sinks knows of it.
        if (reach !== null && positionEpoch(reach) > known!.epoch) throw new WeirError('WEIR_PG_EPOCH', 'another sink has begun anew');
        database.checkSlot(Number(positionLsn(from.position)));
        const state = { ...known!, copies: copiesBegun(known!.copies, reach) };
        return { from: positionLsn(from.position), state, gate: null };
      }
      return this.#begin(reach);
    });
    return new SimSession({ process: this.#process, server: this.#server, reach: reach === null ? opened.from : positionLsn(reach), ...opened });
  }

  /** A slot is made, or moved to the present, as the server makes it: when every transaction that is open has ended. */
  #begin(reach: Position | null): { from: bigint; state: PostgresState; gate: bigint } {
    const { database } = this.#server;
    if (this.#server.isRead) throw new WeirError('WEIR_PG_SLOT_IN_USE', 'the slot is read by somebody else');
    if (database.running.length > 0) throw new WeirError('WEIR_PG_CONNECTION_LOST', 'the slot waits for a transaction');
    const gate = new VisibleTransactions(database.snapshot().text).next;
    this.#server.onSlotMoved(this.#process);
    database.confirmed = database.end;
    const from = BigInt(database.end);
    const publication = { name: SLOT, oid: 1, owned: true };
    const epoch = nextEpoch(null, reach, from);
    const state: PostgresState = { v: 2, system: '1', timeline: 1, slot: SLOT, publication, epoch, copies: 0, tables: [], types: [] };
    return { from, state, gate };
  }

  async head(): Promise<Position> {
    return boundaryPosition(0, BigInt(this.#server.database.end));
  }

  /** What only commands ask. */
  async discover(): Promise<[]> {
    return [];
  }

  async check(): Promise<[]> {
    return [];
  }

  // oxlint-disable-next-line require-yield
  async *scan(): AsyncGenerator<never> {
    throw new WeirError('WEIR_SDK_USE', 'the simulated source is not scanned');
  }
}
