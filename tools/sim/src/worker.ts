import { parentPort, workerData } from 'node:worker_threads';
import type { Job, Report } from './campaign.ts';
import { mutants } from './mutants.ts';
import { loadMutant } from './mutate.ts';
import type { ScenarioName } from './scenarios.ts';

// What is thrown in a history is looked at by its code: gathering stacks takes longer than the history.
Error.stackTraceLimit = 0;

const { scenario, mutant } = workerData as { scenario: ScenarioName; mutant: string | null };
const chosen = mutants.find(({ name }) => name === mutant);
if (chosen !== undefined) loadMutant(chosen);
// Not before the mutant is there.
const { makePlan } = await import('./plan.ts');
const { play } = await import('./history.ts');

parentPort!.on('message', (job: Job) => {
  void run(job);
});

async function run({ from, count }: Job): Promise<void> {
  let steps = 0;
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await play(makePlan(scenario, seed));
    steps += outcome.steps;
    if (outcome.violation === null) continue;
    const { invariant, property, message } = outcome.violation;
    report({ seeds: seed - from, steps, failure: { seed, invariant, property, message } });
    return;
  }
  report({ seeds: count, steps, failure: null });
}

function report(what: Report): void {
  parentPort!.postMessage(what);
}
