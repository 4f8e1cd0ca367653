import { WeirError, type Clock } from '@weir/sdk';

/** What goes wrong with a call. */
export type FaultKind =
  /** It fails, and nothing was done. */
  | 'reject'
  /** It is done, but fails: the answer was lost on the way. */
  | 'lose answer'
  /** Half of it is done, then it fails. Only for writes and pulls; elsewhere as `reject`. */
  | 'partial'
  /** Nothing is done, and no answer comes. */
  | 'hang'
  /** Nothing is done until `letGo`. */
  | 'hold'
  /** It is done, but the answer comes after `letGo`. */
  | 'hold answer'
  /** It is done after `ms`. */
  | 'slow'
  /**
   * The process is suspended before it is done: this call and all later ones wait, and so do answers, until `wake`, or for
   * `ms`. Then it goes on as if nothing had happened: a zombie, when its lease has run out meanwhile.
   */
  | 'zombie'
  /** The process dies before it is done: neither this call nor any later one is answered. */
  | 'die'
  /** The process dies when it is done and before the answer. */
  | 'die answering';

export interface Fault {
  /** The operation, as `warehouse.commit` or `source.pull`. */
  readonly on: string;
  /** Which call of it, from 1; `every` for each one. */
  readonly call: number | 'every';
  readonly does: FaultKind;
  /** For `slow`, and for `zombie` as long as its lease and more. */
  readonly ms?: number;
  /** What the call fails with; a `WEIR_INTERNAL` by default, which is retried. */
  readonly error?: Error;
}

export interface FaultScriptOptions {
  /** Every call and every answer of an operation takes a random time up to that, in ms. None by default. */
  readonly jitterMs?: (operation: string) => number;
}

const never = new Promise<never>(() => {});

/**
 * What goes wrong with the calls of one process to its servers, and when: the doubles of this package ask it about each of
 * their operations. It counts calls over all sessions, and keeps their order.
 */
export class FaultScript {
  /** Every operation called, in order. */
  readonly calls: string[] = [];
  readonly #clock: Clock;
  readonly #faults: readonly Fault[];
  readonly #jitterMs: (operation: string) => number;
  readonly #counts = new Map<string, number>();
  readonly #held: { readonly on: string; readonly go: () => void }[] = [];
  readonly #death = Promise.withResolvers<void>();
  #dead = false;
  #suspended: PromiseWithResolvers<void> | null = null;

  constructor(clock: Clock, faults: readonly Fault[] = [], options: FaultScriptOptions = {}) {
    this.#clock = clock;
    this.#faults = faults;
    this.#jitterMs = options.jitterMs ?? (() => 0);
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Resolves when the process dies. */
  get died(): Promise<void> {
    return this.#death.promise;
  }

  /** Calls that are held now. */
  get held(): readonly string[] {
    return this.#held.map(({ on }) => on);
  }

  /** How often an operation was called. */
  count(operation: string): number {
    return this.#counts.get(operation) ?? 0;
  }

  /** Ends the process: no call is answered any more. One that is held was sent already: it is still done after `letGo`. */
  die(): void {
    this.#dead = true;
    this.#death.resolve();
  }

  /** Calls and answers wait from here on. @param ms until it wakes by itself; 0 for never */
  suspend(ms = 0): void {
    this.#suspended ??= Promise.withResolvers<void>();
    if (ms > 0) void this.#clock.sleep(ms).then(() => this.wake());
  }

  /** A suspended process goes on where it was. */
  wake(): void {
    this.#suspended?.resolve();
    this.#suspended = null;
  }

  /** Lets held calls go on: those of one operation, or all. */
  letGo(operation?: string): void {
    for (const held of this.#held.splice(0)) {
      if (operation === undefined || held.on === operation) held.go();
      else this.#held.push(held);
    }
  }

  /** Carries an operation out as the script has it. @param half what `partial` does of it */
  async perform<T>(operation: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    const fault = this.#next(operation);
    await this.#before(operation, fault, half);
    const result = await this.#answered(work);
    await this.#after(operation, fault);
    return result;
  }

  /** The outcome of the work, unless the process died meanwhile. */
  async #answered<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      await this.#live();
    }
  }

  #next(operation: string): Fault | undefined {
    const call = this.count(operation) + 1;
    this.#counts.set(operation, call);
    this.calls.push(operation);
    return this.#faults.find((fault) => fault.on === operation && (fault.call === 'every' || fault.call === call));
  }

  async #before(operation: string, fault: Fault | undefined, half?: () => Promise<void>): Promise<void> {
    await this.#pass(operation);
    switch (fault?.does) {
      case 'reject':
        throw failure(operation, fault);
      case 'partial':
        await half?.();
        throw failure(operation, fault);
      case 'hang':
        return await never;
      case 'hold':
        return await this.#hold(operation);
      case 'slow':
        await this.#clock.sleep(fault.ms ?? 0);
        return await this.#live();
      case 'zombie':
        this.suspend(fault.ms);
        return await this.#live();
      case 'die':
        this.die();
        return await never;
      default:
    }
  }

  async #after(operation: string, fault: Fault | undefined): Promise<void> {
    if (fault?.does === 'die answering') this.die();
    if (fault?.does === 'hold answer') await this.#hold(operation);
    await this.#pass(operation);
    if (fault?.does === 'lose answer') throw failure(operation, fault);
  }

  /** Time goes by on the way to the server, or back. */
  async #pass(operation: string): Promise<void> {
    const most = this.#jitterMs(operation);
    if (most > 0 && !this.#dead) await this.#clock.sleep(this.#clock.random() * most);
    await this.#live();
  }

  /** Goes on unless the process is dead, and not before it is awake. */
  async #live(): Promise<void> {
    while (this.#suspended !== null) await this.#suspended.promise;
    if (this.#dead) await never;
  }

  async #hold(on: string): Promise<void> {
    await new Promise<void>((go) => this.#held.push({ on, go }));
  }
}

function failure(operation: string, fault: Fault): Error {
  return fault.error ?? new WeirError('WEIR_INTERNAL', `scripted: ${operation}: ${fault.does}`);
}
