import { setTimeout as sleep } from 'node:timers/promises';
import { Runner, lastCode } from './runner.ts';
import type { Fault, Side } from './schedule.ts';
import type { ChaosServer } from './server.ts';
import { tail, type World } from './world.ts';

/** A process that has to end by itself does so long before. In ms. */
const END_MS = 60_000;
/** How long a runner that was taken over may go on trying before it is killed, in ms. */
const TAKEN_OVER_MS = 10_000;

/** Does one thing to somebody, and undoes what would stay. @returns what else there is to say, or null */
export async function inflict(fault: Fault, world: World, signal: AbortSignal): Promise<string | null> {
  const { counts, runner } = world;
  switch (fault.kind) {
    case 'kill':
      return await kill(world);
    case 'kill at the commit':
      return await killAtCommit(world, fault.pass);
    case 'pause the runner':
      counts.pauses++;
      runner.signal('SIGSTOP');
      await sleep(fault.ms);
      runner.signal('SIGCONT');
      return null;
    case 'stutter':
      counts.slowdowns++;
      return await stutter(runner, fault.ms);
    case 'stop the server':
      counts.stops++;
      await serverOf(world, fault.side).stop(fault.mode);
      await sleep(fault.ms);
      await serverOf(world, fault.side).startAgain();
      return null;
    case 'pause the server':
      counts.pauses++;
      serverOf(world, fault.side).signal('SIGSTOP');
      await sleep(fault.ms);
      serverOf(world, fault.side).signal('SIGCONT');
      return null;
    case 'reset':
      counts.resets++;
      return `${serverOf(world, fault.side).proxy.cut()} of them`;
    case 'reset after':
      counts.resets++;
      serverOf(world, fault.side).proxy.cutAfter(fault.bytes);
      return null;
    case 'silence':
      counts.resets++;
      return await silence(serverOf(world, fault.side), fault.ms);
    case 'slow':
      counts.slowdowns++;
      serverOf(world, fault.side).proxy.delayMs = fault.delayMs;
      await sleep(fault.ms);
      serverOf(world, fault.side).proxy.delayMs = 0;
      return null;
    case 'drop the answer to COMMIT':
      await serverOf(world, 'sink').proxy.dropAnswerTo('COMMIT\0', AbortSignal.any([signal, AbortSignal.timeout(END_MS)]));
      counts.droppedAnswers++;
      return null;
    case 'full disk':
      return await fullDisk(world, fault.ms);
    case 'second runner':
      return await secondRunner(world, signal);
    case 'takeover':
      return await takeover(world, fault.of, fault.ms, signal);
  }
}

function serverOf({ source, sink }: World, side: Side): ChaosServer {
  return side === 'source' ? source : sink.server!;
}

async function kill(world: World): Promise<null> {
  world.counts.kills++;
  await world.runner.kill();
  // Nobody has a file open now that another process could not read.
  if (world.sink.kind === 'duckdb') await world.watch.look(async (sql) => await world.sink.askAtRest(sql));
  world.start();
  return null;
}

/** What a lost answer is to a sink that is a file: the process dies between the COMMIT and what it says. */
async function killAtCommit(world: World, pass: number): Promise<string | null> {
  await world.runner.kill();
  const runner = new Runner(['run', world.fileOf(world.post)], { crashAt: `sink.commit-unanswered:${pass}` });
  runner.isExpectedToEnd = true;
  world.adopt(runner, world.post);
  const ended = await runner.endsWithin(END_MS);
  if (ended?.signal === 'SIGKILL') world.counts.droppedAnswers++;
  else world.wrong(`it came to no COMMIT number ${pass}: ${lastCode(runner.stderr)}\n${tail(runner.stderr)}`);
  await world.watch.look(async (sql) => await world.sink.askAtRest(sql));
  world.start();
  return null;
}

async function stutter(runner: Runner, ms: number): Promise<null> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    runner.signal('SIGSTOP');
    await sleep(90);
    runner.signal('SIGCONT');
    await sleep(20);
  }
  return null;
}

async function silence({ proxy }: ChaosServer, ms: number): Promise<null> {
  proxy.isSilent = true;
  await sleep(ms);
  proxy.isSilent = false;
  proxy.cut();
  return null;
}

async function fullDisk({ sink: { disk }, counts }: World, ms: number): Promise<string | null> {
  if (typeof disk === 'string') return `not done: ${disk}`;
  counts.fullDisks++;
  disk.fill();
  await sleep(ms);
  disk.empty();
  return null;
}

async function secondRunner(world: World, signal: AbortSignal): Promise<null> {
  // The first one has its state directory for sure.
  await world.watch.progress(signal);
  const second = new Runner(['run', world.fileOf(world.post)]);
  const ended = await second.endsWithin(END_MS);
  if (ended?.code === 1 && ended.stderr.includes('WEIR_STORE_LOCKED')) world.counts.refusals++;
  else world.wrong(`a second runner with the same state was not refused, but ended with ${ended?.code}\n${tail(second.stderr)}`);
  return null;
}

/**
 * Another runner, with a state directory of its own, takes the pipeline over from one that is killed, or that stood still and
 * comes back. A stopped one keeps its connection to the sink: the other has to end it there.
 */
async function takeover(world: World, of: 'killed' | 'stopped', ms: number, signal: AbortSignal): Promise<string | null> {
  const { runner: first, post } = world;
  const other = post === 'first' ? 'second' : 'first';
  if (of === 'stopped') {
    first.signal('SIGSTOP');
    world.source.proxy.cut();
  }
  // From here on it may find its fence taken.
  first.isExpectedToEnd = true;
  const second = new Runner(['run', world.fileOf(other)]);
  await sleep(ms);
  const before = of === 'killed' ? await killFenced(world, first) : null;
  world.adopt(second, other);
  world.counts.takeovers++;
  if (of === 'killed') return (await keepsFence(world, second, signal)) ?? before;
  try {
    await world.watch.progress(signal);
  } finally {
    first.signal('SIGCONT');
  }
  return await afterwards({ world, first, second, post }, signal);
}

/** Kills a runner that may have noticed already that another one has taken over. */
async function killFenced(world: World, first: Runner): Promise<string | null> {
  const isOver = first.isOver;
  await first.kill();
  return isOver ? fencedEnd(world, 'the first', first) : null;
}

/** One that is over may have taken a fence back before, in another try: then the second ends as well, and is started once more. */
async function keepsFence(world: World, second: Runner, signal: AbortSignal): Promise<string | null> {
  second.isExpectedToEnd = true;
  const over = new AbortController();
  void second.ended.then(() => over.abort());
  await world.watch.progress(AbortSignal.any([signal, over.signal])).catch((error: unknown) => {
    if (!second.isOver) throw error;
  });
  second.isExpectedToEnd = false;
  if (!second.isOver) return null;
  world.start();
  return fencedEnd(world, 'the second', second);
}

/** A runner may end by itself where it has lost its fence; otherwise that is a problem. @param which for a person */
function fencedEnd(world: World, which: string, { stderr }: Runner): string {
  const said = `${which} ended with ${lastCode(stderr)}`;
  if (!stderr.includes('FENCED')) world.wrong(`${said}\n${tail(stderr)}`);
  return said;
}

interface TakenOver {
  readonly world: World;
  readonly first: Runner;
  readonly second: Runner;
  /** Where the first one works. */
  readonly post: World['post'];
}

/** The first one is back: it finds the fence taken and ends, or waits for the slot until it is killed. */
async function afterwards({ world, first, second, post }: TakenOver, signal: AbortSignal): Promise<string> {
  second.isExpectedToEnd = true;
  await Promise.race([first.ended, second.ended, sleep(TAKEN_OVER_MS)]);
  if (!second.isOver) {
    const what = first.isOver ? `the first ended with ${lastCode(first.stderr)}` : 'the first still waited, and was killed';
    if (!first.isOver) await first.kill();
    const after = await keepsFence(world, second, signal);
    return after === null ? what : `${what}, ${after}`;
  }
  if (first.isOver) world.start();
  else {
    first.isExpectedToEnd = false;
    world.adopt(first, post);
  }
  return fencedEnd(world, 'the second', second);
}
