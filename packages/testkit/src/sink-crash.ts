import type { CrashPoint, ErrorCode } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { Child } from './child.ts';
import { testSeed } from './seed.ts';
import { seededRandom } from './seeded-random.ts';

/** Where processes write `public.orders` that are killed on the way. */
export interface CrashedTarget extends AsyncDisposable {
  /** What the program gets on its command line. */
  readonly args: readonly string[];
  /** The target of `public.orders`, by SQL. */
  readonly orders: string;
  /** Weir's own table of checkpoints, by SQL. */
  readonly checkpoint: string;
  /** Runs a statement behind the sink's back. @returns its rows as text */
  sql(statement: string): Promise<(string | null)[][]>;
  /** The sink's writing sessions on the server. */
  sessions(): Promise<readonly string[]>;
  /** Tables where that of the orders is, whoever made them. */
  tables(): Promise<string[]>;
}

export interface CrashDriver {
  /**
   * A program that runs `commitOrders`, which waits when behind its own arguments stands `wait`, or `commitShapes` when there stands
   * `shapes`, and a number if so many are wanted.
   */
  readonly program: URL;
  /** The code of the error of a session that another has taken over from. */
  readonly fenced: ErrorCode;
  readonly start: () => Promise<CrashedTarget>;
}

/** Kills of a process that changes the shape of its table, and how long one lives at most behind its first commit, in ms. */
const KILLS = 3;
const LIFE_MS = 400;

const first = { counts: ['500', '500', '0'], checkpoint: ['1', '{"next":1}', '2'] };
const second = { counts: ['999', '999', '1'], checkpoint: ['2', '{"next":2}', '3'] };

/** What a sink of class A whose checkpoint is in an SQL server holds when the process that writes is killed. */
export function sinkCrashes(driver: CrashDriver): void {
  describe('a process killed with SIGKILL', () => {
    killedAtPoints(driver);
    killedAtRandom(driver);
  });
  stoppedInCommit(driver);
}

function killedAtPoints({ start, program }: CrashDriver): void {
  it('after it took the fence has changed nothing else', async () => {
    await using target = await start();
    expect(await run(program, target)).toBe(0);
    expect(await run(program, target, 'sink.fence-taken')).toBe('SIGKILL');
    expect(await state(target)).toEqual(first);
    expect(await run(program, target)).toBe(0);
    expect(await state(target)).toEqual(second);
  });

  it('before the commit leaves the old rows and the old checkpoint (invariants 3 and 4)', async () => {
    await using target = await start();
    expect(await run(program, target)).toBe(0);
    expect(await run(program, target, 'sink.before-commit')).toBe('SIGKILL');
    expect(await state(target)).toEqual(first);
    expect(await run(program, target)).toBe(0);
    expect(await state(target)).toEqual(second);
  });

  it('before the first commit leaves no table of a name that anybody asks for', async () => {
    await using target = await start();
    expect(await run(program, target, 'sink.before-commit')).toBe('SIGKILL');
    expect((await target.tables()).filter((name) => !name.startsWith('_weir_'))).toEqual([]);
    expect(await target.sql(`SELECT position FROM ${target.checkpoint}`)).toEqual([[null]]);
    expect(await run(program, target)).toBe(0);
    expect(await state(target)).toEqual(first);
    expect(await target.tables()).toEqual(['orders']);
  });

  it('after the commit, before its answer, leaves the new ones (invariant 4)', async () => {
    await using target = await start();
    expect(await run(program, target)).toBe(0);
    expect(await run(program, target, 'sink.commit-unanswered')).toBe('SIGKILL');
    expect(await state(target)).toEqual({ ...second, checkpoint: ['2', '{"next":2}', '2'] });
    expect(await run(program, target)).toBe(0);
    expect(await state(target)).toEqual({ counts: ['1498', '1498', '2'], checkpoint: ['3', '{"next":3}', '3'] });
  });
}

function killedAtRandom({ start, program }: CrashDriver): void {
  it('at any moment while it changes the shape of its table leaves whole commits (invariants 3 and 4)', async () => {
    await using target = await start();
    const random = seededRandom(testSeed);
    for (let kill = 0; kill < KILLS; kill++) {
      const told = await killedAmongShapes(program, target, random() * LIFE_MS);
      const number = await nextShape(program, target);
      // It may have been killed behind a commit that it did not tell of.
      expect([told + 1, told + 2]).toContain(number);
      expect(await target.tables()).toEqual(['orders']);
      const rows = await target.sql(`SELECT id, note_${number}, amount FROM ${target.orders} ORDER BY id`);
      expect(rows).toEqual(ordersBehind(number));
      expect(await target.sql(`SELECT position FROM ${target.checkpoint}`)).toEqual([[String(number)]]);
    }
  });
}

function stoppedInCommit({ start, program, fenced }: CrashDriver): void {
  it('a process stopped in the middle of a commit does not keep its successor waiting (invariant 5)', async () => {
    await using target = await start();
    expect(await run(program, target)).toBe(0);
    await using zombie = new Child(program, [...target.args, 'wait']);
    expect(await zombie.line()).toBe('written');
    zombie.send('SIGSTOP');
    expect(await target.sessions()).toHaveLength(1);
    expect(await run(program, target)).toBe(0);
    expect(await state(target)).toEqual(second);
    expect(await target.sessions()).toEqual([]);
    zombie.send('SIGCONT');
    expect(await zombie.end()).toBe(0);
    expect(await zombie.line()).toBe(fenced);
    expect(await state(target)).toEqual(second);
  });
}

/** Commits a transaction in a process. @returns its exit code, or what killed it */
async function run(program: URL, { args }: CrashedTarget, crashAt?: CrashPoint): Promise<unknown> {
  await using child = new Child(program, args, crashAt === undefined ? {} : { WEIR_CRASH_AT: crashAt });
  return await child.end();
}

/** Rows, distinct keys, rows that a transaction changed, and what the checkpoint says. */
async function state(target: CrashedTarget): Promise<{ counts: unknown; checkpoint: unknown }> {
  const changed = "COUNT(CASE WHEN note = 'changed' THEN 1 END)";
  const [counts] = await target.sql(`SELECT COUNT(*), COUNT(DISTINCT id), ${changed} FROM ${target.orders}`);
  const [checkpoint] = await target.sql(`SELECT position, state, fence FROM ${target.checkpoint}`);
  return { counts, checkpoint };
}

/** Runs a process that changes shapes, and kills it. @param life in ms from its first commit. @returns the last commit it told of */
async function killedAmongShapes(program: URL, { args }: CrashedTarget, life: number): Promise<number> {
  await using child = new Child(program, [...args, 'shapes']);
  let told = Number(await child.line());
  const timer = setTimeout(() => child.send('SIGKILL'), life);
  for (let line = await child.line(); line !== undefined; line = await child.line()) told = Number(line);
  clearTimeout(timer);
  expect(await child.end()).toBe('SIGKILL');
  return told;
}

/** Commits one more. @returns its number */
async function nextShape(program: URL, { args }: CrashedTarget): Promise<number> {
  await using child = new Child(program, [...args, 'shapes', '1']);
  const number = Number(await child.line());
  expect(await child.end()).toBe(0);
  return number;
}

/** The rows of `commitShapes` behind a transaction. */
function ordersBehind(number: number): string[][] {
  const rows: string[][] = [];
  for (let id = 10; id < number * 10 + 10; id++) {
    const by = Math.floor(id / 10);
    if (id % 10 > 0 || by === number) rows.push([String(id), `from ${by}`, '1.00']);
  }
  return rows;
}
