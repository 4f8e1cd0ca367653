import { expect, test } from 'vitest';
import { comparePositions, tableName, toWeirError, type Checkpoint, type Position, type SinkSession } from '@weir/sdk';
import { seededRandom, tableIsAt, testSeed, type Fault, type FaultKind, type FaultScript, type LoggedChange } from '@weir/testkit';
import { imbalance } from './row-counters.ts';
import { World, customers, orders, row, type ProcessOptions, type WorldProcess } from './world.fake.ts';

const RUNS = Number(process.env['RUNS'] ?? 400);
const PROCESSES = 8;

const operations = {
  transactional: ['open', 'recover', 'write', 'commit', 'dispose'],
  staged: ['open', 'recover', 'write', 'stage', 'apply', 'dispose'],
  idempotent: ['open', 'write', 'flush', 'dispose'],
  'at-least-once': ['open', 'write', 'flush', 'dispose'],
} as const;
const kinds: readonly FaultKind[] = ['reject', 'lose answer', 'partial', 'hang', 'hold', 'hold answer', 'slow', 'die', 'die answering'];

/** Random choices that a seed determines. */
class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  between(least: number, most: number): number {
    return least + this.upTo(most - least);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  oneOf<T>(items: readonly T[]): T {
    return items[this.upTo(items.length - 1)]!;
  }

  times<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }
}

/** One random world, its processes with their faults, and everything that must hold on the way. */
class Run {
  readonly #dice: Dice;
  readonly #modes: Record<string, SinkSession['mode']>;
  readonly #world: World;
  readonly #options: ProcessOptions;
  readonly #broken: string[] = [];
  readonly #keys = { orders: new Set<number>(), customers: new Set<number>() };
  #left: number;
  #processes = 0;
  /** The process that is the first to read both tables. */
  readonly #tableAddedAt: number;
  #texts = 0;
  #largest = 0;
  /** What the store holds of the sinks whose checkpoint is there. */
  readonly #stored = new Map<string, Position>();

  constructor(seed: number) {
    const dice = new Dice(seed);
    this.#dice = dice;
    const modes = ['transactional', 'transactional', 'staged', 'idempotent'] as const;
    this.#modes = Object.fromEntries(Array.from({ length: dice.between(1, 3) }, (_, i) => [`sink${i}`, dice.oneOf(modes)]));
    this.#world = new World(this.#modes, seed);
    this.#left = dice.upTo(50);
    this.#options = {
      copies: dice.chance(0.7),
      rowsPerBatch: dice.between(1, 5),
      transactionsPerBatch: dice.between(1, 3),
      bufferBytes: dice.between(4000, 30_000),
      onPull: () => {
        if (dice.chance(0.3)) this.#commitMore();
      },
    };
    this.#tableAddedAt = this.#options.copies === true && dice.chance(0.4) ? dice.between(1, 4) : 0;
    for (const name of Object.keys(this.#modes)) this.#watch(name);
    for (let i = dice.upTo(15); i > 0; i--) this.#commitMore();
  }

  async play(): Promise<void> {
    for (let i = Math.max(this.#tableAddedAt, this.#dice.upTo(PROCESSES)); i > 0; i--) await this.#process();
    while (this.#left > 0) this.#commitMore();
    for (const target of this.#world.targets.values()) target.interruptApply = false;
    const last = this.#start([]);
    last.pipeline.finishAt(await last.source.head());
    await this.#world.clock.outcome(last.pipeline.run());
    this.#checkEnd(last);
    expect(last.source.ledger.released, 'every batch of a run without faults is released').toBe(last.source.ledger.handedOut);
    expect(last.pipeline.status().bufferedBytes).toBe(0);
    for (const [name, target] of this.#world.targets) expect(target.content, name).toEqual(this.#world.log.content());
  }

  #watch(name: string): void {
    const { targets, store, log } = this.#world;
    targets.get(name)!.onCommit = (checkpoint) => {
      for (const table of [orders, customers]) {
        const at = tableIsAt(checkpoint, table);
        if (at === null) continue;
        const found = JSON.stringify(targets.get(name)!.content[tableName(table)]);
        const expected = JSON.stringify(log.content(at)[tableName(table)]);
        if (found !== expected) this.#broken.push(`${name} at ${checkpoint.position}: ${tableName(table)} is ${found}, not ${expected}`);
      }
    };
    const save = store.saveCheckpoint.bind(store);
    store.saveCheckpoint = async (shard, stored) => {
      await save(shard, stored);
      this.#stored.set(shard.sink, stored.checkpoint.position);
    };
  }

  #confirmed(checkpoint: Checkpoint): void {
    for (const [name, mode] of Object.entries(this.#modes)) {
      const durable = mode === 'idempotent' ? this.#stored.get(name) : this.#world.target(name).checkpoint?.position;
      if (durable !== undefined && comparePositions(durable, checkpoint.position) >= 0) continue;
      this.#broken.push(`confirmed ${checkpoint.position}, but ${name} is at ${durable}`);
    }
  }

  #commitMore(): void {
    if (this.#left === 0) return;
    this.#left--;
    const dice = this.#dice;
    const changes = dice.times(dice.chance(0.15) ? dice.between(8, 16) : dice.upTo(5), () => this.#change());
    this.#world.log.commit(changes);
  }

  #change(): LoggedChange {
    const dice = this.#dice;
    const table = dice.oneOf([orders, customers]);
    const keys = this.#keys[table.name as 'orders' | 'customers'];
    const key = dice.upTo(20);
    const text = `text ${++this.#texts}`;
    if (dice.chance(0.03)) {
      keys.clear();
      return { op: 'truncate', table };
    }
    if (!keys.has(key)) {
      keys.add(key);
      return { op: 'insert', table, after: row(key, text) };
    }
    if (dice.chance(0.3)) {
      keys.delete(key);
      return { op: 'delete', table, before: row(key, '') };
    }
    const to = dice.upTo(20);
    if (keys.has(to)) return { op: 'update', table, after: row(key, text) };
    keys.delete(key);
    keys.add(to);
    return { op: 'update', table, after: row(to, text), before: row(key, '') };
  }

  #faults(): Fault[] {
    const dice = this.#dice;
    const places = Object.entries(this.#modes).flatMap(([name, mode]) => operations[mode].map((operation) => `${name}.${operation}`));
    const all = [...places, 'source.open', 'source.pull', 'source.pull', 'source.confirm'];
    const faults = dice.times(dice.upTo(5), () => ({ on: dice.oneOf(all), call: dice.between(1, 6), does: dice.oneOf(kinds), ms: dice.upTo(5000) }));
    // A call that is answered when the attempt is over: it is held, and something else fails meanwhile.
    const late: Fault[] = [
      { on: dice.oneOf(places), call: dice.between(1, 4), does: dice.oneOf(['hold', 'hold answer'] as const) },
      { on: dice.oneOf(all), call: dice.between(2, 8), does: 'reject' },
    ];
    return dice.chance(0.3) ? [...late, ...faults] : faults;
  }

  #start(faults: readonly Fault[]): WorldProcess {
    this.#world.log.disconnect();
    for (let i = this.#dice.upTo(3); i > 0; i--) this.#commitMore();
    const speeds = new Map(['source', ...Object.keys(this.#modes)].map((name) => [name, this.#dice.oneOf([0, 5, 100, 2000])]));
    const jitterMs = (operation: string): number => speeds.get(operation.split('.')[0]!)!;
    const tables = this.#processes++ < this.#tableAddedAt ? [orders] : [orders, customers];
    const options = { ...this.#options, faults, jitterMs, tables };
    for (const [name, mode] of Object.entries(this.#modes)) {
      if (mode === 'staged' && faults.length > 0 && this.#dice.chance(0.3)) this.#world.target(name).interruptApply = true;
    }
    const process = this.#world.process(
      {
        ...options,
        onPull: () => {
          this.#options.onPull?.();
          this.#checkMemory(process);
        },
      },
      (checkpoint) => this.#confirmed(checkpoint),
    );
    return process;
  }

  /** A process that stops, hangs, fails or dies, and whose late calls may go on under the next one. */
  async #process(): Promise<void> {
    const dice = this.#dice;
    const { clock } = this.#world;
    const process = this.#start(this.#faults());
    const { pipeline, script, source } = process;
    if (dice.chance(0.5)) pipeline.finishAt(await source.head());
    const run = pipeline.run().catch((error: unknown) => this.#ended(error));
    if (dice.chance(0.4)) void clock.sleep(dice.upTo(3000)).then(() => pipeline.stop());
    if (dice.chance(0.5)) void clock.sleep(dice.upTo(10 ** dice.between(1, 5))).then(() => script.die());
    if (dice.chance(0.5)) void clock.sleep(dice.upTo(6000)).then(() => this.#letGo(script));
    const end = Promise.race([run, script.died]);
    while (!(await clock.settles(end))) {
      if (script.held.length > 0 && dice.chance(0.5)) script.letGo();
      else pipeline.stop();
    }
    if (!script.dead) this.#checkEnd(process);
    script.die();
    void clock.sleep(dice.upTo(4000)).then(() => this.#letGo(script));
  }

  /** Servers carry out what was sent, late. Not openings: one that comes late takes the fence, as it should. */
  #letGo(script: FaultScript): void {
    for (const held of script.held) if (!held.endsWith('.open')) script.letGo(held);
  }

  #ended(error: unknown): void {
    const { code, message } = toWeirError(error);
    if (code !== 'WEIR_SHUTDOWN_TIMEOUT') this.#broken.push(`ended with ${code}: ${message}`);
  }

  /** Invariant 8: what is buffered stays within the bound, or is one batch that is larger. */
  #checkMemory({ pipeline, source }: WorldProcess): void {
    const { bufferedBytes, bufferBytes } = pipeline.status();
    this.#largest = Math.max(this.#largest, bufferedBytes);
    if (bufferedBytes > bufferBytes + 10_000) this.#broken.push(`${bufferedBytes} bytes are buffered of ${bufferBytes}`);
    if (source.ledger.releasedAgain > 0) this.#broken.push('a batch was released twice');
  }

  /** Invariant 7: the counters balance, and nothing is on its way. */
  #checkEnd({ pipeline, source }: WorldProcess): void {
    for (const [name, { rows }] of Object.entries(pipeline.status().sinks)) {
      if (imbalance(rows) !== 0 || rows.inFlight !== 0) this.#broken.push(`${name}: ${JSON.stringify(rows)}`);
    }
    if (source.ledger.releasedAgain > 0) this.#broken.push('a batch was released twice');
    expect(this.#broken).toEqual([]);
  }
}

test('random faults over random transactions: every target ends equal to the source, once and in order', async () => {
  const started = performance.now();
  for (let i = 0; i < RUNS; i++) {
    try {
      await new Run(testSeed + i).play();
    } catch (error) {
      throw new Error(`run ${i}; WEIR_SEED=${testSeed + i} RUNS=1 replays it`, { cause: error });
    }
  }
  console.info(`${RUNS} runs in ${Math.round(performance.now() - started)} ms`);
});
