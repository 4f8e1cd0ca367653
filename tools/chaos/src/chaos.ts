import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '@weir/cli';
import { BankLoad } from './bank.ts';
import { checkCommits, commitsChecked } from './commit-check.ts';
import { inflict } from './inflict.ts';
import { beginAudit, checkEqual, checkLedger, type Ledger } from './ledger.ts';
import { Runner, lastCode } from './runner.ts';
import { describeFault, schedule, type SinkKind } from './schedule.ts';
import { tail, World, type Counts } from './world.ts';

export interface ChaosOptions {
  readonly sink: SinkKind;
  readonly seed: number;
  /** How long things are done to somebody; copying, draining and comparing come on top. In ms. */
  readonly ms: number;
  readonly signal: AbortSignal;
  /** Told one line for each fault. */
  readonly log: (line: string) => void;
}

export interface ChaosResult {
  readonly sink: SinkKind;
  readonly seed: number;
  readonly counts: Counts;
  readonly transactions: number;
  /** Checkpoints of the mirror that were seen. */
  readonly commitsSeen: number;
  /** Snapshots of the mirror whose sums were right. */
  readonly sumsChecked: number;
  /** Commits of the mirror that the sink itself looked at; null where it cannot. */
  readonly commitsChecked: number | null;
  readonly ledger: Pick<Ledger, 'commits' | 'rows'>;
  /** How often the runners have written each error code. */
  readonly codes: Readonly<Record<string, number>>;
  /** Why a kind of fault was left out. */
  readonly notDone: readonly string[];
  /** False when it was interrupted, or stopped at a problem, before both sides were compared. */
  readonly isCompared: boolean;
  /** What should not have been; empty when all is well. */
  readonly problems: readonly string[];
}

/** How long a drain, a start that catches up, or a comparison may take, in ms. */
const END_MS = 240_000;

/** A bank ledger under load, from PostgreSQL to a mirror and a history, while things are done to all of them. */
export async function runChaos({ sink, seed, ms, signal, log }: ChaosOptions): Promise<ChaosResult> {
  await using world = await World.create(sink);
  const stop = AbortSignal.any([signal, world.failed]);
  const load = new BankLoad(() => world.source.url(), new SeededRandom(seed + 1));
  const notDone = new Set<string>();
  let ledger: Ledger | null = null;
  const started = performance.now();
  const say = (line: string): void => log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  load.start();
  try {
    world.start();
    world.watch.start();
    await publicationIsThere(world, stop);
    await beginAudit(world.source);
    const from = copiedFrom(world, stop);
    from.catch(() => {});
    await disturb(world, schedule(seed, sink), performance.now() + ms, stop, say, notDone);
    const copied = await from;
    // So that there are commits behind the copy, and the sink is there again after the last step.
    await world.watch.past(copied, stop);
    await world.watch.progress(stop);
    await load.stop();
    say('load stopped; drained, and compared');
    ledger = await settle(world, copied);
  } catch (error) {
    if (!stop.aborted) world.wrong((error as Error).message + runnerTail(world));
  } finally {
    await load.stop();
  }
  for (const defect of world.defects.slice(0, 5)) world.wrong(defect);
  const { counts, problems, watch } = world;
  return {
    commitsChecked: ledger === null || world.sink.server === null ? null : await commitsChecked(world.sink.server),
    sink, seed, counts, transactions: load.transactions, commitsSeen: watch.commits, sumsChecked: watch.sums,
    ledger: { commits: ledger?.commits ?? 0, rows: ledger?.rows ?? 0 }, isCompared: ledger !== null, codes: world.codes, notDone: [...notDone], problems,
  };
}

async function disturb(
  world: World,
  steps: ReturnType<typeof schedule>,
  end: number,
  signal: AbortSignal,
  say: (line: string) => void,
  notDone: Set<string>,
): Promise<void> {
  for (const { rest, fault, settles } of steps) {
    await sleep(rest, undefined, { signal });
    if (performance.now() > end) return;
    say(describeFault(fault));
    const said = await inflict(fault, world, signal);
    if (said !== null) say(`  ${said}`);
    if (said?.startsWith('not done') === true) notDone.add(`${fault.kind}: ${said}`);
    signal.throwIfAborted();
    if (settles) await world.watch.progress(signal);
  }
}

/** The audit reads by way of the pipeline's publication, which the runner makes. */
async function publicationIsThere(world: World, signal: AbortSignal): Promise<void> {
  while ((await world.askSource("SELECT count(*) FROM pg_publication WHERE pubname = 'weir_bank'")) !== '1') {
    await sleep(50, undefined, { signal });
  }
}

/** The LSN at which all tables are copied, as 16 digits. */
async function copiedFrom(world: World, signal: AbortSignal): Promise<string> {
  await world.watch.copied(signal);
  const { server } = world.sink;
  // The sink may be away at the moment.
  while (server !== null && !(await checkCommits(server).then(() => true, () => false))) await sleep(200, undefined, { signal });
  const lsn = await world.askSource('SELECT pg_current_wal_insert_lsn()');
  return lsn.split('/').map((half) => half.toLowerCase().padStart(8, '0')).join('');
}

/** Ends the runner, lets another one catch up, and compares everything at rest. */
async function settle(world: World, from: string): Promise<Ledger> {
  const { runner, source, sink } = world;
  await world.watch.stop();
  runner.isExpectedToEnd = true;
  runner.signal('SIGTERM');
  const drained = await runner.endsWithin(END_MS);
  if (drained?.code !== 0) world.wrong(`SIGTERM: it ended with ${drained?.code}, ${lastCode(runner.stderr)}${runnerTail(world)}`);
  await succeed(world, 'run', world.fileOf(world.post), '--until-caught-up');
  await succeed(world, 'verify', world.fileOf(world.post), '--json');
  for (const difference of await checkEqual(source, sink)) world.wrong(difference);
  const ledger = await checkLedger(source, sink, from);
  for (const each of ledger.wrong.slice(0, 20)) world.wrong(each);
  return ledger;
}

async function succeed(world: World, ...args: string[]): Promise<void> {
  const runner = new Runner(args);
  const ended = await runner.endsWithin(END_MS);
  if (ended?.code === 0) return;
  world.wrong(`weir ${args[0]} ended with ${ended?.code}, ${lastCode(runner.stderr)}\n${ended?.stdout ?? ''}\n${tail(runner.stderr)}`);
}

function runnerTail({ runner }: World): string {
  return `\n${tail(runner.stderr)}`;
}
