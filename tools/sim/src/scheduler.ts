import type { Dice } from './dice.ts';

/** Whose call or timer something is. */
export interface Owner {
  readonly name: string;
  /** Nothing of it goes on. */
  readonly frozen: boolean;
}

/** Something that is ready to happen. Who decides when is the scheduler. */
interface Turn {
  readonly name: string;
  /** Null for what happens at a server by itself. */
  readonly owner: Owner | null;
  readonly take: () => void;
}

interface Sleeper {
  readonly at: number;
  readonly owner: Owner;
  readonly wake: () => void;
}

/** Something that may be ready again and again, such as a connection with bytes to deliver. */
export interface Outlet {
  readonly name: string;
  readonly owner: Owner | null;
  isReady(): boolean;
  take(): void;
}

/** How often time goes by although something is ready: a call takes long. */
const IDLE_CHANCE = 0.06;
const SOON_MS = 1_000;
const FIRST_TIME = Date.UTC(2026, 0, 1);

/**
 * Owns time and the order of I/O: one thing at a time happens, and all that follows from it without I/O and without time
 * going by is done before the next. So a history is the same each time it is played.
 */
export class Scheduler {
  readonly dice: Dice;
  /** One line for each step; null when nobody reads it. */
  readonly trace: string[] | null;
  #turns: Turn[] = [];
  #sleepers: Sleeper[] = [];
  #outlets: Outlet[] = [];
  #now = FIRST_TIME;
  #steps = 0;

  constructor(dice: Dice, traced: boolean) {
    this.dice = dice;
    this.trace = traced ? [] : null;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Something is on its way. */
  get isBusy(): boolean {
    return this.#turns.length > 0;
  }

  now(): number {
    return this.#now;
  }

  note(line: string): void {
    this.trace?.push(`${String(this.#steps).padStart(5)}  ${line}`);
  }

  /** Resolves when it is this one's turn. */
  async turn(owner: Owner | null, name: string): Promise<void> {
    await new Promise<void>((take) => this.#turns.push({ name, owner, take }));
  }

  /** Calls `work` at some later step. */
  later(name: string, work: () => void): void {
    this.#turns.push({ name, owner: null, take: work });
  }

  addOutlet(outlet: Outlet): void {
    this.#outlets.push(outlet);
  }

  removeOutlet(outlet: Outlet): void {
    this.#outlets = this.#outlets.filter((other) => other !== outlet);
  }

  /** @param ms time from now */
  sleep(owner: Owner, ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    return new Promise<void>((resolve, reject) => {
      const sleeper = { at: this.#now + Math.max(0, Math.ceil(ms)), owner, wake: resolve };
      const later = this.#sleepers.findIndex(({ at }) => at > sleeper.at);
      this.#sleepers.splice(later === -1 ? this.#sleepers.length : later, 0, sleeper);
      if (signal === undefined) return;
      signal.addEventListener('abort', () => {
        const index = this.#sleepers.indexOf(sleeper);
        if (index === -1) return;
        this.#sleepers.splice(index, 1);
        reject(signal.reason as Error);
      });
    });
  }

  /** A process is dead: requests that it had sent may be on their way still. @param arrives whether one gets there */
  drop(process: Owner, arrives: () => boolean): void {
    this.#sleepers = this.#sleepers.filter(({ owner }) => owner !== process);
    this.#turns = this.#turns.flatMap((turn) => {
      if (turn.owner !== process) return [turn];
      // The store is a file of the process's own machine.
      const isGone = turn.name.endsWith('answer') || turn.name.startsWith('store.');
      return isGone || !arrives() ? [] : [{ ...turn, owner: null }];
    });
  }

  /** One thing happens. @returns whether it was ready; else time went by */
  async step(): Promise<boolean> {
    this.#steps++;
    const wasReady = this.#takeTurn();
    if (!wasReady) this.#wakeNext();
    await settled();
    return wasReady;
  }

  #takeTurn(): boolean {
    const turns = this.#turns.filter(({ owner }) => owner?.frozen !== true);
    const outlets = this.#outlets.filter((outlet) => outlet.owner?.frozen !== true && outlet.isReady());
    const ready = turns.length + outlets.length;
    if (ready === 0 || (this.dice.chance(IDLE_CHANCE) && this.#isSoon)) return false;
    const chosen = this.dice.upTo(ready - 1);
    if (chosen >= turns.length) {
      const outlet = outlets[chosen - turns.length]!;
      this.#tell(outlet.owner, outlet.name);
      outlet.take();
      return true;
    }
    const turn = turns[chosen]!;
    this.#turns.splice(this.#turns.indexOf(turn), 1);
    this.#tell(turn.owner, turn.name);
    turn.take();
    return true;
  }

  /** Somebody wakes before a call would take suspiciously long. */
  get #isSoon(): boolean {
    const next = this.#sleepers.find(({ owner }) => !owner.frozen);
    return next !== undefined && next.at - this.#now <= SOON_MS;
  }

  #wakeNext(): void {
    const index = this.#sleepers.findIndex(({ owner }) => !owner.frozen);
    if (index === -1) return;
    const [sleeper] = this.#sleepers.splice(index, 1);
    this.#now = Math.max(this.#now, sleeper!.at);
    sleeper!.wake();
  }

  #tell(owner: Owner | null, name: string): void {
    if (this.trace !== null) this.note(`${owner?.name ?? 'server'}: ${name}`);
  }
}

/** All that can go on without a turn has gone on: Node runs this when no microtask is left. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
}
