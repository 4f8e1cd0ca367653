import { parentPort, workerData } from 'node:worker_threads';
import type { Failure, Job, Report, WorkerOrder } from './campaign.ts';
import { mutants } from './mutants.ts';
import { loadMutant } from './mutate.ts';
import type { Violation } from './violation.ts';

// What is thrown in a history is looked at by its code: gathering stacks takes longer than the history.
Error.stackTraceLimit = 0;

const { scenario, mutant, traced, tells } = workerData as WorkerOrder;
const chosen = mutants.find(({ name }) => name === mutant);
if (chosen !== undefined) loadMutant(chosen);
// Not before the mutant is there.
const { describe, makePlan } = await import('./plan.ts');
const { play } = await import('./history.ts');
const { shrink } = await import('./shrink.ts');

parentPort!.on('message', (job: Job) => {
  void run(job);
});

async function run({ from, count }: Job): Promise<void> {
  let steps = 0;
  let trace: readonly string[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await play(makePlan(scenario, seed), { traced });
    steps += outcome.steps;
    if (outcome.violation !== null) return report({ seeds: seed - from, steps, failure: await tell(seed, outcome.violation), trace: [] });
    trace = outcome.trace;
  }
  report({ seeds: count, steps, failure: null, trace });
}

/** What was broken, and the least that breaks it. */
async function tell(seed: number, { invariant, property, message }: Violation): Promise<Failure> {
  const plan = makePlan(scenario, seed);
  if (!tells) return { seed, invariant, property, message, happened: plan.happenings.length, needed: [], trace: [] };
  const small = await shrink(plan, property);
  const { trace } = await play(small, { traced: true });
  return { seed, invariant, property, message, happened: plan.happenings.length, needed: small.happenings.map(describe), trace };
}

function report(what: Report): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(what);
}
