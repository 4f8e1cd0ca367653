import { WeirError, type Clock } from '@weir/sdk';
import type { Scheduler } from './scheduler.ts';

/** What goes wrong with a call. */
export type FaultKind =
  /** The process dies before the call arrives. */
  | 'crash before'
  /** The call is carried out, and the process dies before the answer. */
  | 'crash after'
  /** Nothing is done, and it fails. */
  | 'refuse'
  /** It is done, but fails: the answer was lost on the way. */
  | 'lose answer'
  /** It takes ten seconds. */
  | 'slow';

export interface Fault {
  /** As `warehouse.commit` or `source.open`. */
  readonly on: string;
  /** Which call of it in its process, from 1. */
  readonly call: number;
  readonly does: FaultKind;
}

const never = new Promise<never>(() => {});
const SLOW_MS = 10_000;
/** How often an answer takes a way of its own, on which something else may happen first. */
const LATE_ANSWER = 0.3;

/** One run of a runner: everything that it asks of the world goes through here. */
export class SimProcess implements Clock {
  readonly name: string;
  readonly scheduler: Scheduler;
  /** Nothing of it goes on: its machine is suspended. */
  frozen = false;
  onDeath: () => void = () => {};
  #faults: readonly Fault[];
  readonly #counts = new Map<string, number>();
  #dead = false;

  constructor(name: string, scheduler: Scheduler, faults: readonly Fault[]) {
    this.name = name;
    this.scheduler = scheduler;
    this.#faults = faults;
  }

  get dead(): boolean {
    return this.#dead;
  }

  now(): number {
    return this.scheduler.now();
  }

  random(): number {
    return this.scheduler.dice.real();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#dead) return await never;
    await this.scheduler.sleep(this, ms, signal);
  }

  /** From here on nothing goes wrong with its calls. */
  mend(): void {
    this.#faults = [];
  }

  /** Ends it at once: nothing that it waits for comes any more. */
  die(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.frozen = false;
    this.scheduler.note(`${this.name} dies`);
    this.scheduler.drop(this, () => this.scheduler.dice.chance(0.5));
    this.onDeath();
  }

  /** The fault of the next call of an operation, which counts as made. */
  faultOf(operation: string): FaultKind | null {
    const call = (this.#counts.get(operation) ?? 0) + 1;
    this.#counts.set(operation, call);
    return this.#faults.find((fault) => fault.on === operation && fault.call === call)?.does ?? null;
  }

  /** Has a server do something, as the faults have it. */
  async call<T>(operation: string, work: () => T | Promise<T>): Promise<T> {
    if (this.#dead) return await never;
    const fault = this.faultOf(operation);
    if (fault !== null) this.scheduler.note(`${this.name}: ${operation} will ${fault}`);
    if (fault === 'slow') await this.scheduler.sleep(this, SLOW_MS);
    await this.scheduler.turn(this, operation);
    if (this.#dead) return await this.#late(work);
    if (fault === 'crash before') this.die();
    if (this.#dead) return await never;
    if (fault === 'refuse') throw lost(operation);
    const result = await this.#outcome(work);
    if (fault === 'crash after') this.die();
    if (this.#dead) return await never;
    if (this.scheduler.dice.chance(LATE_ANSWER)) await this.scheduler.turn(this, `${operation} answer`);
    if (fault === 'lose answer') throw lost(operation);
    if ('error' in result) throw result.error;
    return result.value;
  }

  /** Its sender is dead, but it had been sent. */
  async #late<T>(work: () => T | Promise<T>): Promise<never> {
    await this.#outcome(work);
    return await never;
  }

  async #outcome<T>(work: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
    try {
      return { value: await work() };
    } catch (error) {
      return { error };
    }
  }
}

function lost(operation: string): WeirError {
  return new WeirError('WEIR_PG_CONNECTION_LOST', `scripted: ${operation} was lost`);
}
