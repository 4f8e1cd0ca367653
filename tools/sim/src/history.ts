import { silentLogger, toWeirError, type Checkpoint, type Sink } from '@weir/sdk';
import { Pipeline } from '@weir/engine';
import { boundaryPosition, positionLsn } from '@weir/source-postgres/parts';
import { memoryStore, type Store } from '@weir/store';
import { MemoryTarget } from '@weir/testkit/memory';
import { Database } from './database.ts';
import { Dice } from './dice.ts';
import { checkAllConfirmed, checkBound, checkConfirmed, checkCounters } from './checks.ts';
import { checkContent, checkNothingLost } from './oracle.ts';
import { describe, type Happening, type Plan } from './plan.ts';
import { Scheduler } from './scheduler.ts';
import { Server } from './server.ts';
import { SimProcess } from './sim-process.ts';
import { SimSink } from './sim-sink.ts';
import { SimSource } from './sim-source.ts';
import { storeOf } from './sim-store.ts';
import { firstTables } from './sim-tables.ts';
import { optionsOf, sinkRows, type SinkRows } from './sink-rows.ts';
import type { SimTransaction } from './sim-transaction.ts';
import { Violation, violationOf } from './violation.ts';

/** A history that needs more steps does not end. */
const MOST_STEPS = 6_000;
/** How many steps may go by between two runners. */
const MOST_IDLE = 8;
/** How many steps what is on its way may take. */
const MOST_LATE = 200;

/** What became of a plan. */
export interface Outcome {
  readonly steps: number;
  /** Null when everything held. */
  readonly violation: Violation | null;
  readonly trace: readonly string[];
}

interface Runner {
  readonly process: SimProcess;
  readonly pipeline: Pipeline;
  ended: boolean;
  /** Ended as it was asked to. */
  isDone: boolean;
  isStopping: boolean;
  /** Another runner has been started beside it. */
  superseded: boolean;
}

/** Plays a plan to its end, or to the first thing that does not hold. */
export async function play(plan: Plan, { traced = false }: { readonly traced?: boolean } = {}): Promise<Outcome> {
  // Whoever calls: what waits for the next tick runs behind all microtasks only where one of those has asked for it.
  await Promise.resolve();
  return await new History(plan, traced).play();
}

class History {
  readonly #plan: Plan;
  readonly #dice: Dice;
  readonly #scheduler: Scheduler;
  readonly #server: Server;
  readonly #store: Store = memoryStore();
  readonly #targets: ReadonlyMap<string, MemoryTarget>;
  readonly #transactions = new Map<number, SimTransaction>();
  readonly #runners: Runner[] = [];
  /** Who has the fence of each sink. */
  readonly #fences = new Map<string, SimProcess>();
  #startAt = 0;
  #started = 0;
  #next = 0;
  #violation: Violation | null = null;
  /** A runner that had been replaced has moved the slot: the others stop, and say so. */
  #isSlotLost = false;
  /** It ended as it has to where a position is lost (invariant 6). */
  #hasStopped = false;

  constructor(plan: Plan, traced: boolean) {
    this.#plan = plan;
    this.#dice = new Dice(plan.seed);
    this.#scheduler = new Scheduler(this.#dice, traced);
    this.#server = new Server(plan, new Database(firstTables(), this.#scheduler));
    this.#server.onConfirmed = (lsn) => this.#confirmed(lsn);
    this.#server.onSlotMoved = (by) => {
      this.#isSlotLost ||= [...this.#fences.values()].some((process) => process !== by);
    };
    this.#targets = new Map(Object.keys(plan.sinks).map((name) => [name, this.#newTarget(name)]));
  }

  get steps(): number {
    return this.#scheduler.steps;
  }

  async play(): Promise<Outcome> {
    try {
      await this.#happen();
      if (this.#violation === null && !this.#hasStopped) await this.#end();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#violation ??= error;
    }
    for (const { process } of this.#runners) process.die();
    this.#server.close();
    return { steps: this.steps, violation: this.#violation, trace: this.#scheduler.trace ?? [] };
  }

  async #happen(): Promise<void> {
    const { happenings } = this.#plan;
    while (this.#next < happenings.length && this.#violation === null && !this.#hasStopped) {
      this.#due();
      if (this.#runner === null && this.steps >= this.#startAt) this.#start();
      await this.#step();
    }
  }

  /** One runner without faults delivers all there is: the one that runs, or one more when all others have ended. */
  async #end(): Promise<void> {
    const { database } = this.#server;
    const alive = this.#runners.filter(({ process }) => !process.dead);
    const [only] = alive;
    const goesOn = alive.length === 1 && !only!.isStopping && !only!.superseded && this.#dice.chance(0.6);
    const running = goesOn ? only! : null;
    for (const { process } of this.#runners) if (process !== running?.process) process.die();
    // What they had sent arrives, or never will.
    for (let more = 0; running === null && more < MOST_LATE && this.#scheduler.isBusy; more++) await this.#step();
    for (const transaction of this.#transactions.values()) if (transaction.isOpen) database.commit(transaction, true);
    for (const transaction of database.running) database.show(transaction);
    for (const { name } of database.tables) this.#touch(name);
    const head = boundaryPosition(0, BigInt(database.end));
    // One that was replaced, or had a fault before it yet, leaves the rest to the next.
    let last: Runner | null = running;
    while (last?.isDone !== true) {
      if (last === null || last.ended || last.process.dead) last = this.#start([]);
      last.process.mend();
      last.pipeline.finishAt(head);
      while (!last.ended && !last.process.dead && this.#violation === null) await this.#step();
      if (this.#violation !== null || this.#hasStopped) return;
    }
    this.#checkEnd(running === null);
  }

  /** @param isConnected the last runner's connection was not cut: what it confirmed has arrived */
  #checkEnd(isConnected: boolean): void {
    const { database } = this.#server;
    for (const [name, target] of this.#targets) this.#checkAll(name, target);
    if (isConnected && this.#server.hears) checkAllConfirmed(database.confirmed, this.#durableLsns());
  }

  #touch(table: string): void {
    const { database } = this.#server;
    const transaction = database.begin();
    database.run(transaction, { does: 'put', table, key: table === 'orders' ? '1' : 'A', keepsLarge: false });
    database.commit(transaction, true);
  }

  async #step(): Promise<void> {
    if (this.steps >= MOST_STEPS) throw new Violation(0, 'the history does not end', `after ${MOST_STEPS} steps`);
    await this.#scheduler.step();
    if (this.#violation === null) this.#checkBound();
  }

  get #runner(): Runner | null {
    return this.#runners.findLast(({ ended, process, superseded }) => !ended && !process.dead && !superseded) ?? null;
  }

  #due(): void {
    const { happenings } = this.#plan;
    while (this.#next < happenings.length && happenings[this.#next]!.at <= this.steps) {
      const happening = happenings[this.#next++]!;
      if (happening.what !== 'fault') this.#scheduler.note(describe(happening));
      this.#carryOut(happening);
    }
  }

  #carryOut(happening: Happening): void {
    const { database } = this.#server;
    switch (happening.what) {
      case 'statement':
        database.run(this.#transaction(happening.transaction), happening.statement);
        return;
      case 'commit':
        return this.#ifOpen(happening.transaction, (transaction) => database.commit(transaction, happening.shown));
      case 'roll back':
        return this.#ifOpen(happening.transaction, (transaction) => database.rollBack(transaction));
      case 'show': {
        const transaction = this.#transactions.get(happening.transaction);
        if (transaction?.isCommitted === true) database.show(transaction);
        return;
      }
      case 'alter': {
        const transaction = database.begin();
        database.run(transaction, happening.statement);
        return database.commit(transaction, true);
      }
      case 'noise':
        return database.noise();
      case 'keepalive':
        return this.#server.ask(happening.asks);
      case 'cut':
        return this.#server.cut();
      case 'kill':
        return this.#runner?.process.die();
      case 'stop':
        return this.#stop();
      case 'take over':
        return this.#takeOver();
      case 'come back':
        for (const { process } of this.#runners) process.frozen = false;
        return;
      case 'fault':
    }
  }

  #transaction(number: number): SimTransaction {
    let transaction = this.#transactions.get(number);
    if (transaction === undefined) this.#transactions.set(number, (transaction = this.#server.database.begin()));
    return transaction;
  }

  #ifOpen(number: number, what: (transaction: SimTransaction) => void): void {
    const transaction = this.#transactions.get(number);
    if (transaction?.isOpen === true) what(transaction);
  }

  #stop(): void {
    const runner = this.#runner;
    if (runner === null) return;
    runner.isStopping = true;
    runner.pipeline.stop();
  }

  #takeOver(): void {
    const first = this.#runner;
    if (first === null) return;
    first.superseded = true;
    first.process.frozen = true;
    if (this.#dice.chance(0.7)) this.#server.cut();
    this.#start();
  }

  #start(faults?: readonly Happening[]): Runner {
    const number = this.#started++;
    const chosen = faults ?? this.#plan.happenings.filter((each) => each.what === 'fault' && each.process === number);
    const process = new SimProcess(`runner ${number}`, this.#scheduler, chosen.flatMap((each) => (each.what === 'fault' ? [each] : [])));
    process.onDeath = () => {
      this.#server.orphan(process);
      this.#startAt = this.steps + this.#dice.upTo(MOST_IDLE);
    };
    const sinks = new Map<string, Sink>();
    for (const [name, mode] of Object.entries(this.#plan.sinks)) {
      sinks.set(name, new SimSink(name, this.#targets.get(name)!, mode, process, () => this.#fences.set(name, process)));
    }
    const pipeline = new Pipeline({
      name: 'shop',
      source: new SimSource(process, this.#server),
      sinks,
      sinkOptions: optionsOf(this.#plan.sinks),
      store: storeOf(process, this.#store),
      clock: process,
      log: silentLogger,
      bufferBytes: this.#plan.bufferBytes,
    });
    const runner: Runner = { process, pipeline, ended: false, isDone: false, isStopping: false, superseded: false };
    this.#runners.push(runner);
    pipeline.run().then(
      () => this.#ended(runner, null),
      (error: unknown) => this.#ended(runner, error),
    );
    return runner;
  }

  #ended(runner: Runner, error: unknown): void {
    runner.ended = true;
    this.#runners.splice(this.#runners.indexOf(runner), 1);
    if (!runner.process.dead) this.#holds(() => checkCounters(runner.pipeline.status().sinks));
    this.#startAt = this.steps + this.#dice.upTo(MOST_IDLE);
    runner.isDone = error === null;
    if (error === null) return;
    const { code, message } = toWeirError(error);
    this.#scheduler.note(`${runner.process.name} ends: ${code}: ${message}`);
    const isReplaced = [...this.#fences.values()].some((process) => process !== runner.process);
    // Who was replaced may find that the other one has gone on: it stops, and has changed nothing.
    if ((code === 'WEIR_PG_SLOT_ADVANCED' || code === 'WEIR_PG_EPOCH') && this.#isSlotLost) {
      this.#hasStopped = true;
      return;
    }
    if (isReplaced && (code === 'WEIR_DUCKDB_FENCED' || code === 'WEIR_PG_SLOT_ADVANCED')) return;
    if (code === 'WEIR_SHUTDOWN_TIMEOUT') return;
    this.#broken(violationOf(code, message));
  }

  #broken(violation: Violation): void {
    this.#scheduler.note(`BROKEN, invariant ${violation.invariant}: ${violation.message}`);
    this.#violation ??= violation;
  }

  #newTarget(name: string): MemoryTarget {
    const target = new MemoryTarget();
    target.onCommit = (checkpoint) => this.#check(name, target, checkpoint);
    return target;
  }

  #rows(name: string, target: MemoryTarget): SinkRows {
    return sinkRows(name, target, this.#plan.sinks[name]!);
  }

  #check(name: string, target: MemoryTarget, checkpoint: Checkpoint): void {
    const mayKeepUnread = this.#targets.size > 1;
    this.#holds(() => checkContent(this.#server.database, this.#rows(name, target), checkpoint, { name, mayKeepUnread }));
  }

  /** Everything has arrived. */
  #checkAll(name: string, target: MemoryTarget): void {
    const { checkpoint } = target;
    if (checkpoint === null) throw new Violation(7, 'nothing arrived', name);
    const { database } = this.#server;
    const rows = this.#rows(name, target);
    checkContent(database, rows, checkpoint, { name, mayKeepUnread: false });
    checkNothingLost(database, rows, name);
  }

  #durableLsns(): Map<string, number> {
    return new Map(
      Array.from(this.#targets, ([name, { checkpoint }]) => {
        return [name, checkpoint === null ? -1 : Number(positionLsn(checkpoint.position))];
      }),
    );
  }

  #confirmed(lsn: number): void {
    // What a slot was made at needs no confirmation.
    if (lsn > this.#server.database.confirmed!) this.#holds(() => checkConfirmed(lsn, this.#durableLsns()));
  }

  #checkBound(): void {
    const { heldBytes, largestBatch } = this.#server;
    this.#holds(() => checkBound(heldBytes, this.#plan.bufferBytes, largestBatch));
  }

  /** Notes what a check throws: it may be called by what runs in the history, which knows of no violations. */
  #holds(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#broken(error);
    }
  }
}
