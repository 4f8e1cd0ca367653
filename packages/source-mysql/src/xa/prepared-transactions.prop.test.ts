import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint, Json } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { boundary, fingerprints, rowsEvent, tableMapEvent } from '../testing/xa-events.ts';
import { PreparedTransactions, type PreparedXa } from './prepared-transactions.ts';

/** A step of a log, at its place. */
interface Step {
  readonly does: 'prepare' | 'commit' | 'rollback';
  readonly xid: string;
  readonly isCaptured: boolean;
}

/** Steps of a log as a server writes it: what ends was prepared, and nothing is prepared twice. */
function logOf(choices: readonly (readonly [number, boolean, boolean])[]): Step[] {
  const open = new Map<string, boolean>();
  return choices.map(([name, isCaptured, commits]) => {
    const xid = `X'${name}',X'',1`;
    const known = open.get(xid);
    if (known === undefined) {
      open.set(xid, isCaptured);
      return { does: 'prepare', xid, isCaptured };
    }
    open.delete(xid);
    return { does: commits ? 'commit' : 'rollback', xid, isCaptured: known };
  });
}

/** What the PREPARE at a place changes. */
function rowsOf(place: number, { xid, isCaptured }: Step): Buffer[] {
  return [tableMapEvent('shop', isCaptured ? 'items' : 'other'), rowsEvent(Buffer.from(`${xid} at ${place}`))];
}

const isCaptured = ({ name }: { readonly name: string }): boolean => name === 'items';

function checkpointOf(place: number, prepared: readonly PreparedXa[] | undefined): Checkpoint {
  return JSON.parse(JSON.stringify({ position: boundary(place), state: { prepared } })) as Checkpoint;
}

function listed({ state }: Checkpoint): readonly PreparedXa[] {
  return (state as { prepared?: readonly Json[] }).prepared as unknown as readonly PreparedXa[] ?? [];
}

/** The rows that were delivered at a COMMIT, by their fingerprints. */
interface Delivery {
  readonly place: number;
  readonly rows: readonly string[];
}

/** Reads a log from a checkpoint on. */
class Run {
  readonly prepared: PreparedTransactions;
  readonly delivered: Delivery[] = [];
  #place: number;

  constructor(from: Checkpoint, folder: string) {
    this.#place = Number(from.position.split('.')[2]);
    this.prepared = new PreparedTransactions({ prepared: listed(from), folder });
  }

  get checkpoint(): Checkpoint {
    return checkpointOf(this.#place, this.prepared.state);
  }

  /** @param dies the process ends when the file is on the disk, before anything knows of it */
  async step(log: readonly Step[], dies = false): Promise<void> {
    const step = log[this.#place]!;
    const place = this.#place + 1;
    const { prepared } = this;
    if (step.does === 'prepare') {
      await using events = prepared.begin();
      for (const event of rowsOf(place, step)) events.keep(event, isCaptured);
      await prepared.prepare(step.xid, events, boundary(place));
      if (dies) return;
    } else if (step.does === 'commit') {
      const { file } = prepared.get(step.xid)!;
      expect(file !== undefined).toBe(step.isCaptured);
      if (file !== undefined) this.delivered.push({ place, rows: await fingerprints(prepared.events(file)) });
    }
    if (step.does !== 'prepare') prepared.remove(step.xid);
    this.#place = place;
  }
}

/** What has to be delivered at each COMMIT. */
async function expectedOf(log: readonly Step[]): Promise<Delivery[]> {
  const expected: Delivery[] = [];
  for (const [index, step] of log.entries()) {
    if (step.does !== 'commit' || !step.isCaptured) continue;
    const prepare = log.findLastIndex(({ xid }, at) => at < index && xid === step.xid);
    expected.push({ place: index + 1, rows: await fingerprints(rowsOf(prepare + 1, log[prepare]!)) });
  }
  return expected;
}

const choices = fc.array(fc.tuple(fc.nat(3), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 16 });
/** What happens in front of each step: the process may end, and a checkpoint be confirmed. */
const happenings = fc.array(fc.record({ crash: fc.nat(7), from: fc.nat(), confirm: fc.nat(3) }), { minLength: 20, maxLength: 20 });

describe('XA transactions that are prepared', () => {
  it('are delivered at their COMMIT from whatever checkpoint a start goes on that was not passed by a confirmed one (invariants 1, 6)', async () => {
    await fc.assert(
      fc.asyncProperty(choices, happenings, async (chosen, happens) => {
        await using place = await temporaryFolder();
        const log = logOf(chosen);
        const expected = await expectedOf(log);
        /** Those that a sink may have, the first confirmed. */
        let kept = [checkpointOf(0, undefined)];
        let run = new Run(kept[0]!, place.path);
        for (const { crash, from, confirm } of happens) {
          if (crash < 2) {
            if (crash === 0 && Number(run.checkpoint.position.split('.')[2]) < log.length) await run.step(log, true);
            run = new Run(kept[from % kept.length]!, place.path);
            await run.prepared.check();
          }
          const at = Number(run.checkpoint.position.split('.')[2]);
          if (at < log.length) await run.step(log);
          kept.push(run.checkpoint);
          for (const { place: delivered, rows } of run.delivered) expect(rows).toEqual(expected.find((each) => each.place === delivered)!.rows);
          if (confirm === 0) {
            // Every sink has come there in this run or before it, so that the run is there as well.
            const reached = kept.filter(({ position }) => position <= run.checkpoint.position);
            const confirmed = reached[from % reached.length]!;
            // Of the checkpoints only those count that lie at or behind it.
            kept = kept.filter(({ position }) => position >= confirmed.position);
            await run.prepared.confirmed(confirmed);
          }
        }
        // From those that are left all of the rest is delivered, and what is over at the end leaves no file.
        for (const checkpoint of [kept[0]!, kept[happens[0]!.from % kept.length]!]) {
          const rest = new Run(checkpoint, place.path);
          await rest.prepared.check();
          const start = Number(checkpoint.position.split('.')[2]);
          for (let at = start; at < log.length; at++) await rest.step(log);
          expect(rest.delivered).toEqual(expected.filter((each) => each.place > start));
          run = rest;
        }
        await run.prepared.confirmed(run.checkpoint);
        const names = listed(run.checkpoint).flatMap(({ file }) => (file === undefined ? [] : [file.name]));
        expect(await filesOf(place.path)).toEqual(names.toSorted());
      }),
      { seed: testSeed, numRuns: 40 },
    );
  });

  it('stop a start whose file is missing or damaged, and one that has no folder', async () => {
    await using place = await temporaryFolder();
    const run = new Run(checkpointOf(0, undefined), place.path);
    await run.step([{ does: 'prepare', xid: 'a', isCaptured: true }]);
    const { checkpoint } = run;
    const [name] = await filesOf(place.path);
    const refusal = expect.objectContaining({ code: 'WEIR_MYSQL_XA_FILE', message: expect.stringContaining(name!) as string }) as Error;
    await expect(new PreparedTransactions({ prepared: listed(checkpoint), folder: null }).check()).rejects.toEqual(refusal);
    await writeFile(join(place.path, name!), 'other');
    await expect(new Run(checkpoint, place.path).prepared.check()).rejects.toEqual(refusal);
    await rm(join(place.path, name!));
    await expect(new Run(checkpoint, place.path).prepared.check()).rejects.toEqual(refusal);
    await expect(new Run(checkpoint, place.path).step([{ does: 'prepare', xid: 'a', isCaptured: true }, { does: 'commit', xid: 'a', isCaptured: true }])).rejects.toEqual(refusal);
  });

  it('are refused beyond their number', async () => {
    await using place = await temporaryFolder();
    const prepared = new PreparedTransactions({ prepared: [], folder: place.path, limits: { transactions: 2, bytes: 1000 } });
    const prepare = async (xid: string): Promise<void> => {
      await using events = prepared.begin();
      events.keep(rowsEvent(Buffer.alloc(81)), () => false);
      await prepared.prepare(xid, events, boundary(1));
    };
    await prepare('a');
    await prepare('b');
    await prepare('b');
    await expect(prepare('c')).rejects.toMatchObject({ code: 'WEIR_MYSQL_XA_LIMIT' });
    prepared.remove('a');
    await prepare('c');
    expect(prepared.state).toEqual([{ xid: 'b' }, { xid: 'c' }]);
    expect(prepared.room).toBe(1000);
  });
});

async function filesOf(folder: string): Promise<string[]> {
  return (await readdir(folder)).toSorted();
}
