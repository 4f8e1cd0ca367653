import type { Clock } from '@weir/sdk';

/** How often the server hears of us; well below the default wal_sender_timeout of 60 s. */
const STATUS_MS = 5_000;
/** A server that says nothing for so long although asked is gone. */
const SILENCE_MS = 60_000;
/** How long nothing is looked at while somebody waits, and while nobody does. */
const TICK_MS = 100;
const REST_MS = 1_000;

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** Tells the server where we are, and may ask it for its end. */
  send(asksReply: boolean): void;
  /** Somebody waits for the server to say that it has got somewhere. */
  waits(): boolean;
  /** The socket was stopped here, so that nothing can be heard. */
  isPaused(): boolean;
  /** The server is gone. */
  silent(): void;
  ticked(): void;
}

/** Tells the server regularly where we are, asks it for its end when somebody waits for it, and notices when it is gone. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #stopping = new AbortController();
  #heardAt = 0;
  #resting: AbortController | null = null;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Something came from the server. */
  heard(): void {
    this.#heardAt = this.#options.clock.now();
  }

  /** Somebody waits from now on: to be called when `waits` may have become true. */
  hurry(): void {
    this.#resting?.abort();
  }

  start(): void {
    this.heard();
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    let sentAt = clock.now();
    while (!this.isStopped) {
      if (!(await this.#restedOut())) continue;
      const now = clock.now();
      const waiting = this.#options.waits();
      if (waiting || now - sentAt >= STATUS_MS) {
        sentAt = now;
        this.#options.send(waiting || now - this.#heardAt >= STATUS_MS * 2);
      }
      if (this.#options.isPaused()) this.#heardAt = now;
      if (now - this.#heardAt >= SILENCE_MS) this.#options.silent();
      this.#options.ticked();
    }
  }

  /** Waits for the next tick. @returns false when it was cut short */
  async #restedOut(): Promise<boolean> {
    const resting = (this.#resting = new AbortController());
    const signal = AbortSignal.any([this.#stopping.signal, resting.signal]);
    await this.#options.clock.sleep(this.#options.waits() ? TICK_MS : REST_MS, signal).catch(() => {});
    this.#resting = null;
    return !signal.aborted;
  }
}
