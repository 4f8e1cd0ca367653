import type { Wire } from '@weir/postgres';
import { parseLsn } from '@weir/pgoutput';
import { WeirError } from '@weir/sdk';
import type { SimProcess } from './sim-process.ts';
import type { Outlet } from './scheduler.ts';
import type { Server } from './server.ts';
import { Walsender, type PluginMessage } from './walsender.ts';

/** A frozen or dead client is given up after so long, in ms: wal_sender_timeout. */
const SENDER_TIMEOUT_MS = 60_000;

/** A connection in replication mode between a process and the simulated server: what arrives when, the scheduler says. */
export class Connection implements Pick<
  Wire,
  typeof Symbol.asyncDispose | 'abandon' | 'query' | 'copyData' | 'pause' | 'resume' | 'onData' | 'onFailure' | 'failure'
> {
  readonly process: SimProcess;
  readonly #server: Server;
  readonly #inbound: Outlet;
  readonly #outbound: Outlet;
  /** What the client has sent and the server has not got yet. */
  readonly #sent: { readonly flushed: bigint; readonly asksReply: boolean }[] = [];
  failure: WeirError | null = null;
  onData: (chunk: Buffer) => void = () => {};
  onFailure: (error: WeirError) => void = () => {};
  #sender: Walsender | null = null;
  #paused = false;
  #owesReply = false;
  /** The server has something to ask that is not about rows. */
  #asks: 'position' | 'reply' | null = null;
  #cut = false;
  #heardAt: number;

  constructor(process: SimProcess, server: Server) {
    this.process = process;
    this.#server = server;
    this.#heardAt = process.now();
    this.#inbound = { name: 'stream data', owner: process, isReady: () => this.#isReady(), take: () => this.#deliver() };
    this.#outbound = { name: 'standby status', owner: process, isReady: () => this.#sent.length > 0, take: () => this.#arrive() };
    process.scheduler.addOutlet(this.#inbound);
    process.scheduler.addOutlet(this.#outbound);
  }

  get wire(): Wire {
    return this as unknown as Wire;
  }

  get isGone(): boolean {
    if (this.#cut) return true;
    const isSilent = this.process.dead || this.process.frozen;
    return isSilent && this.process.now() - this.#heardAt > SENDER_TIMEOUT_MS;
  }

  /** START_REPLICATION. */
  query(sql: string): void {
    const from = Number(parseLsn(/LOGICAL (\S+) /.exec(sql)![1]!));
    const streams = /streaming 'on'/.test(sql);
    this.#server.later(this.process, 'START_REPLICATION', () => {
      if (this.#cut) return;
      if (!this.#server.attach(this)) return this.fail(new WeirError('WEIR_PG_SLOT_IN_USE', 'the slot is read by somebody else'));
      this.#sender = new Walsender(this.#server.database, from, streams ? this.#server.streamsAfter : null);
    });
  }

  /** A standby status update; bytes as the protocol has them. */
  copyData(payload: Buffer): void {
    this.#sent.push({ flushed: payload.readBigUInt64BE(9), asksReply: payload[33] === 1 });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** A keepalive that nobody asked for. */
  ask(what: 'position' | 'reply'): void {
    this.#asks = what;
  }

  /** The network breaks: the client hears of it at some time. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    this.#close();
    this.#server.later(this.process, 'connection lost', () => this.fail(new WeirError('WEIR_PG_CONNECTION_LOST', 'cut')));
  }

  /** The process is dead: what it had sent may arrive, and then the server notices. */
  orphan(arrives: boolean): void {
    while (arrives && this.#sent.length > 0) this.#arrive();
    this.process.scheduler.removeOutlet(this.#inbound);
    this.process.scheduler.removeOutlet(this.#outbound);
    this.process.scheduler.later('a connection is gone', () => this.#close());
  }

  fail(error: WeirError): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.onFailure(error);
  }

  abandon(): void {
    this.fail(closedHere());
    this.process.scheduler.later('a connection is gone', () => this.#close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(closedHere());
    this.onData = () => {};
    await this.process.call('source.disconnect', () => {
      // What was written last is sent before the goodbye.
      while (this.#sent.length > 0) this.#arrive();
      this.#close();
    });
  }

  #close(): void {
    this.#cut = true;
    this.#server.detach(this);
    this.process.scheduler.removeOutlet(this.#inbound);
    this.process.scheduler.removeOutlet(this.#outbound);
    this.#sent.length = 0;
  }

  #isReady(): boolean {
    if (this.#sender === null || this.#cut || this.failure !== null) return false;
    if (this.#paused) return false;
    return this.#sender.hasMore || this.#owesReply || this.#asks !== null;
  }

  /** Some records of the log in one piece, or a keepalive. */
  #deliver(): void {
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
    if (bytes.length > 0) this.onData(Buffer.concat(bytes));
  }

  #arrive(): void {
    const { flushed, asksReply } = this.#sent.shift()!;
    this.#heardAt = this.process.now();
    this.#owesReply ||= asksReply;
    if (this.#sender !== null) this.#server.confirmed(this, Number(flushed));
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
  return copyData(body);
}

function copyData(body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes[0] = 0x64; // d
  bytes.writeInt32BE(4 + body.length, 1);
  bytes.set(body, 5);
  return bytes;
}

function keepalive(endLsn: number, asksReply: boolean): Buffer {
  const body = Buffer.alloc(18);
  body[0] = 0x6b; // k
  body.writeBigUInt64BE(BigInt(endLsn), 1);
  body[17] = asksReply ? 1 : 0;
  return copyData(body);
}

function closedHere(): WeirError {
  return new WeirError('WEIR_PG_CONNECTION_LOST', 'the connection was closed from this side');
}
