import type { CopiedSlot, LogExtent } from '@weir/source-postgres/parts';
import type { Server } from './server.ts';
import type { SimProcess } from './sim-process.ts';

/** A copy of the simulated server's slot. */
export class SimSlotCopy implements CopiedSlot {
  readonly copy: string = 'weir_shop_catch_up';
  readonly place: bigint;
  readonly #process: SimProcess;
  readonly #server: Server;
  /** Up to here it has given everything. */
  at: number;
  /** Ends the piece that is on its way. */
  onPieceEnded: () => void = () => {};

  /** @throws WeirError WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_ADVANCED */
  constructor(process: SimProcess, server: Server, from: bigint) {
    server.database.checkSlot(Number(from));
    this.#process = process;
    this.#server = server;
    this.place = BigInt(server.database.confirmed!);
    this.at = Number(from);
  }

  async extent(): Promise<LogExtent> {
    const { database } = this.#server;
    return await this.#process.call('source.extent', () => {
      const first = database.running.map(({ changes }) => changes[0]?.lsn ?? this.at);
      const [slot, end, at] = [database.slotPlace, database.end, this.at].map(BigInt);
      return { slot: slot!, end: end!, at: at!, restart: BigInt(Math.min(this.at, ...first)) };
    });
  }

  async advance(lsn: bigint): Promise<void> {
    await this.#process.call('source.advance', () => this.#server.advance(this.#process, Number(lsn)));
  }

  async endPiece(): Promise<void> {
    await this.#process.call('source.cancel', () => this.onPieceEnded());
  }
}
