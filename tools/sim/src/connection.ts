import type { Wire } from '@weir/postgres';
import { parseLsn } from '@weir/pgoutput';
import { WeirError } from '@weir/sdk';
import type { SimProcess } from './sim-process.ts';
import type { Server } from './server.ts';
import { SimWire, frame } from './sim-wire.ts';
import { Walsender, type PluginMessage } from './walsender.ts';

/** A connection in replication mode. */
export class Connection extends SimWire implements Pick<Wire, 'copyData'> {
  readonly hasCopy: boolean = false;
  /** What the client has sent and the server has not got yet. */
  readonly #sent: { readonly flushed: bigint; readonly asksReply: boolean }[] = [];
  /** The request to begin, while it is on its way. */
  #starting: (() => void) | null = null;
  #sender: Walsender | null = null;
  #owesReply = false;
  /** The server has something to ask that is not about rows. */
  #asks: 'position' | 'reply' | null = null;

  constructor(process: SimProcess, server: Server) {
    super(process, server, 'stream data');
    this.addOutlet({
      name: 'standby status',
      owner: process,
      isReady: () => this.#sent.length > 0 && this.#starting === null && !this.isCut,
      take: () => this.#arriveNext(),
    });
  }

  /** START_REPLICATION. */
  query(sql: string): void {
    const from = Number(parseLsn(/LOGICAL (\S+) /.exec(sql)![1]!));
    const streams = /streaming 'on'/.test(sql);
    this.#starting = () => {
      this.#starting = null;
      if (this.isCut) return;
      if (!this.server.attach(this)) return this.fail(new WeirError('WEIR_PG_SLOT_IN_USE', 'the slot is read by somebody else'));
      const { database, streamsAfter } = this.server;
      // A server moves a start that it has confirmed already forward.
      const start = Math.max(from, database.confirmed ?? 0);
      this.#sender = new Walsender(database, start, { streamsAfter: streams ? streamsAfter : null });
    };
    this.server.later(this.process, 'START_REPLICATION', () => this.#starting?.());
  }

  /** A standby status update; bytes as the protocol has them. */
  copyData(payload: Buffer): void {
    this.#sent.push({ flushed: payload.readBigUInt64BE(9), asksReply: payload[33] === 1 });
  }

  ask(what: 'position' | 'reply'): void {
    this.#asks = what;
  }

  protected get hasData(): boolean {
    return this.#sender !== null && (this.#sender.hasMore || this.#owesReply || this.#asks !== null);
  }

  /** Some records of the log in one piece, or a keepalive. */
  protected take(): Buffer[] {
    const sender = this.#sender!;
    const { dice } = this.process.scheduler;
    const bytes: Buffer[] = [];
    for (let records = dice.between(1, 6); records > 0 && sender.hasMore; records--) {
      for (const message of sender.next()) bytes.push(xlogData(message));
      if (sender.hasMore && dice.chance(0.1)) bytes.push(keepalive(sender.sentLsn, false));
    }
    if (!sender.hasMore && (this.#owesReply || this.#asks !== null)) {
      bytes.push(keepalive(sender.sentLsn, this.#asks === 'reply'));
      this.#owesReply = false;
      this.#asks = null;
    }
    return bytes;
  }

  protected override arrive(): void {
    this.#starting?.();
    while (this.#sent.length > 0) this.#arriveNext();
  }

  #arriveNext(): void {
    const { flushed, asksReply } = this.#sent.shift()!;
    this.heardAt = this.process.now();
    this.#owesReply ||= asksReply;
    if (this.#sender !== null) this.server.confirmed(this, Number(flushed));
    const fault = this.process.faultOf('source.status');
    if (fault === 'crash before' || fault === 'crash after') this.process.die();
  }
}

const XLOG_HEADER_BYTES = 25;

function xlogData({ lsn, bytes }: PluginMessage): Buffer {
  const body = Buffer.alloc(XLOG_HEADER_BYTES + bytes.length);
  body[0] = 0x77; // w
  body.writeBigUInt64BE(BigInt(lsn), 1);
  body.set(bytes, XLOG_HEADER_BYTES);
  return frame('d', body);
}

function keepalive(endLsn: number, asksReply: boolean): Buffer {
  const body = Buffer.alloc(18);
  body[0] = 0x6b; // k
  body.writeBigUInt64BE(BigInt(endLsn), 1);
  body[17] = asksReply ? 1 : 0;
  return frame('d', body);
}
