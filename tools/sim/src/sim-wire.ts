import type { Wire } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type { Outlet } from './scheduler.ts';
import type { Client, Server } from './server.ts';
import type { SimProcess } from './sim-process.ts';

/** A frozen or dead client is given up after so long, in ms: wal_sender_timeout. */
const SILENCE_MS = 60_000;

/** A connection between a process and the simulated server: what arrives when, the scheduler says. */
export abstract class SimWire
  implements Client, Pick<Wire, typeof Symbol.asyncDispose | 'abandon' | 'query' | 'pause' | 'resume' | 'onData' | 'onFailure' | 'failure'>
{
  readonly process: SimProcess;
  failure: WeirError | null = null;
  onData: (chunk: Buffer) => void = () => {};
  onFailure: (error: WeirError) => void = () => {};
  protected readonly server: Server;
  protected heardAt: number;
  readonly #outlets: Outlet[] = [];
  #paused = false;
  #cut = false;

  constructor(process: SimProcess, server: Server, name: string) {
    this.process = process;
    this.server = server;
    this.heardAt = process.now();
    this.addOutlet({ name, owner: process, isReady: () => this.#isReady(), take: () => this.#deliver() });
  }

  abstract readonly hasCopy: boolean;

  /** What the client asks for. */
  abstract query(sql: string): void;

  /** A keepalive that nobody asked for. */
  abstract ask(what: 'position' | 'reply'): void;

  /** The server has something for the client. */
  protected abstract readonly hasData: boolean;

  /** Some of that. */
  protected abstract take(): Buffer[];

  /** What the client has sent arrives. */
  protected arrive(): void {}

  get wire(): Wire {
    return this as unknown as Wire;
  }

  get isCut(): boolean {
    return this.#cut;
  }

  get isGone(): boolean {
    if (this.#cut) return true;
    const isSilent = this.process.dead || this.process.frozen;
    return isSilent && this.process.now() - this.heardAt > SILENCE_MS;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  /** The network breaks: the client hears of it at some time. */
  cut(): void {
    if (this.#cut) return;
    this.#close();
    this.server.later(this.process, 'connection lost', () => this.fail(new WeirError('WEIR_PG_CONNECTION_LOST', 'cut')));
  }

  /** The process is dead: what it had sent may arrive, and then the server notices. */
  orphan(arrives: boolean): void {
    if (arrives) this.arrive();
    this.#removeOutlets();
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
      this.arrive();
      this.#close();
    });
  }

  protected addOutlet(outlet: Outlet): void {
    this.#outlets.push(outlet);
    this.process.scheduler.addOutlet(outlet);
  }

  #removeOutlets(): void {
    for (const outlet of this.#outlets) this.process.scheduler.removeOutlet(outlet);
  }

  #close(): void {
    this.#cut = true;
    this.server.detach(this);
    this.#removeOutlets();
  }

  #isReady(): boolean {
    return !this.#cut && this.failure === null && !this.#paused && this.hasData;
  }

  #deliver(): void {
    const bytes = this.take();
    if (bytes.length > 0) this.onData(Buffer.concat(bytes));
  }
}

/** A message of the protocol. @param type its letter */
export function frame(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type, 'latin1');
  bytes.writeInt32BE(4 + body.length, 1);
  bytes.set(body, 5);
  return bytes;
}

function closedHere(): WeirError {
  return new WeirError('WEIR_PG_CONNECTION_LOST', 'the connection was closed from this side');
}
