import { parseLsn } from '@weir/pgoutput';
import { WeirError } from '@weir/sdk';
import type { Server } from './server.ts';
import type { SimProcess } from './sim-process.ts';
import { SimSlotCopy } from './sim-slot-copy.ts';
import { SimWire, frame } from './sim-wire.ts';
import { Walsender } from './walsender.ts';

/** Signature, flags and length of an extension; see https://www.postgresql.org/docs/current/sql-copy.html (binary). */
const FILE_HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const TRAILER = Buffer.from([0xff, 0xff]);

/** A connection that reads pieces of the log by the copy of a slot, which it has. */
export class PieceConnection extends SimWire {
  #copy: SimSlotCopy | null = null;
  #sender: Walsender | null = null;
  #isFirst = true;

  constructor(process: SimProcess, server: Server) {
    super(process, server, 'piece data');
  }

  get hasCopy(): boolean {
    return this.#copy !== null;
  }

  /** @throws WeirError when there is a copy already; WEIR_PG_SLOT_LOST, WEIR_PG_SLOT_ADVANCED */
  async copySlot(from: bigint): Promise<SimSlotCopy> {
    return await this.process.call('source.copy', () => {
      if (this.isCut || this.server.isCopied) throw new WeirError('WEIR_PG_SLOTS_FULL', 'the slot cannot be copied');
      this.#copy = new SimSlotCopy(this.process, this.server, from);
      this.#copy.onPieceEnded = () => void (this.#sender = null);
      return this.#copy;
    });
  }

  /** COPY of pg_logical_slot_get_binary_changes. */
  query(sql: string): void {
    const until = Number(parseLsn(/changes\('\w+', '([^']+)'/.exec(sql)![1]!));
    this.server.later(this.process, 'a piece', () => {
      if (this.isCut) return;
      const { database } = this.server;
      this.heardAt = this.process.now();
      const copy = this.#copy!;
      this.#sender = new Walsender(database, copy.at, { until });
      this.#isFirst = true;
      copy.at = database.recordEnd(until);
    });
  }

  ask(): void {}

  protected get hasData(): boolean {
    return this.#sender !== null;
  }

  /** Rows of the result, and its end. */
  protected take(): Buffer[] {
    const sender = this.#sender!;
    const bytes: Buffer[] = [];
    for (let records = this.process.scheduler.dice.between(1, 6); records > 0 && sender.hasMore; records--) {
      for (const message of sender.next()) bytes.push(this.#copyData(row(message.bytes)));
    }
    if (sender.hasMore) return bytes;
    this.#sender = null;
    const none = Buffer.alloc(0);
    return [...bytes, this.#copyData(TRAILER), frame('c', none), frame('C', Buffer.from('COPY 0\0')), frame('Z', Buffer.from('I'))];
  }

  #copyData(data: Buffer): Buffer {
    const body = this.#isFirst ? Buffer.concat([FILE_HEADER, data]) : data;
    this.#isFirst = false;
    return frame('d', body);
  }
}

/** One column. */
function row(data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(6 + data.length);
  bytes.writeInt16BE(1);
  bytes.writeInt32BE(data.length, 2);
  bytes.set(data, 6);
  return bytes;
}
