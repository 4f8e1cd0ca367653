import { WeirError, type Batch, type Checkpoint, type Position, type Source, type SourceSession, type Table } from '@weir/sdk';
import {
  VisibleTransactions,
  boundaryPosition,
  checkServer,
  copiesBegun,
  nextEpoch,
  positionEpoch,
  positionLsn,
  readState,
  shapedTable,
  type PostgresState,
} from '@weir/source-postgres/parts';
import { rowBatch } from './row-batch.ts';
import type { Server } from './server.ts';
import { catalogTable } from './sim-catalog.ts';
import type { SimProcess } from './sim-process.ts';
import { SimSession } from './sim-session.ts';
import type { SimTransaction } from './sim-transaction.ts';
import { types } from './sim-types.ts';

const SLOT = 'weir_shop';
const IDENTITY = { system: '1', timeline: 1, database: 5 };
/** How often somebody who waits for transactions to end looks whether they have, in ms. */
const WAIT_MS = 100;

/** Where a session starts; see `Boundary` of the real source. */
interface Opened {
  readonly from: bigint;
  readonly state: PostgresState;
  readonly gate: bigint | null;
}

/** A source over the simulated server, made of the parts of the real one that decide about rows. */
export class SimSource implements Source {
  readonly #process: SimProcess;
  readonly #server: Server;

  constructor(process: SimProcess, server: Server) {
    this.#process = process;
    this.#server = server;
  }

  async open(from: Checkpoint | null, signal: AbortSignal, reach: Position | null = null): Promise<SourceSession> {
    signal.throwIfAborted();
    const [process, server] = [this.#process, this.#server];
    const opened = await (from === null ? this.#begin(reach, signal) : this.#resume(from, readState(from), reach));
    return new SimSession({ process, server, reach: reach === null ? opened.from : positionLsn(reach), ...opened });
  }

  /** Everything that the checkpoint relies on must still hold, or it is refused with its code (invariant 6). */
  async #resume({ position }: Checkpoint, known: PostgresState, reach: Position | null): Promise<Opened> {
    const { database } = this.#server;
    const from = positionLsn(position);
    return await this.#process.call('source.open', () => {
      checkServer(IDENTITY, known);
      // A runner that was replaced has begun from nothing meanwhile, and one of the sinks knows of it.
      if (reach !== null && positionEpoch(reach) > known.epoch) throw new WeirError('WEIR_PG_EPOCH', 'another sink has begun anew');
      if (from > BigInt(database.end)) throw new WeirError('WEIR_PG_LOG_BEHIND', `the log ends at ${database.end}`);
      // No standby of it was ever promoted.
      if (known.timeline !== IDENTITY.timeline) throw new WeirError('WEIR_PG_TIMELINE_CHANGED', 'the server has another timeline');
      database.checkSlot(Number(from));
      return { from, state: { ...known, copies: copiesBegun(known.copies, reach) }, gate: null };
    });
  }

  /** A slot is made, or moved to the present, as the server makes it: when every transaction that is open then has ended. */
  async #begin(reach: Position | null, signal: AbortSignal): Promise<Opened> {
    const { database } = this.#server;
    // Those that begin meanwhile are not waited for.
    let open: readonly SimTransaction[] | null = null;
    const begun = (): Opened | null => {
      if (this.#server.isRead || this.#server.isCopied) throw new WeirError('WEIR_PG_SLOT_IN_USE', 'the slot is read by somebody else');
      open = database.running.filter((transaction) => open === null || open.includes(transaction));
      return open.length === 0 ? this.#started(reach) : null;
    };
    let opened = await this.#process.call('source.open', begun);
    while (opened === null) {
      await this.#process.sleep(WAIT_MS, signal);
      opened = await this.#process.call('source.slot', begun);
    }
    return opened;
  }

  #started(reach: Position | null): Opened {
    const { database } = this.#server;
    this.#server.onSlotMoved(this.#process);
    database.makeSlot();
    const from = BigInt(database.end);
    const gate = new VisibleTransactions(database.snapshot().text).next;
    const publication = { name: SLOT, oid: 1, owned: true };
    const epoch = nextEpoch(null, reach, from);
    return { from, gate, state: { v: 2, ...IDENTITY, slot: SLOT, publication, epoch, copies: 0, tables: [], types: [] } };
  }

  async head(): Promise<Position> {
    return boundaryPosition(0, BigInt(this.#server.database.end));
  }

  async discover(): Promise<Table[]> {
    return this.#server.database.tables.map((table) => catalogTable(table).table);
  }

  /** What only commands ask. */
  async check(): Promise<[]> {
    return [];
  }

  /** @throws Error when there is no such table */
  async *scan(table: Table): AsyncGenerator<Batch> {
    const { database, options } = this.#server;
    const rows = await this.#process.call('source.scan', () => database.rows(database.table(table.name), database.snapshot()));
    const shaped = shapedTable(table, database.table(table.name).shape, types);
    for (let at = 0; at < rows.length; at += options.chunkRows) yield rowBatch(shaped, rows.slice(at, at + options.chunkRows));
  }
}
