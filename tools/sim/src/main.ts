// `npm run sim`: plays seeded histories of the engine until all have held or one has not.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { runCampaign, type CampaignResult, type Failure } from './campaign.ts';
import { mutants } from './mutants.ts';
import { scenarios, type ScenarioName } from './scenarios.ts';

const USAGE = `npm run sim -- [--seeds N] [--scenario NAME] [--from SEED] [--workers N] [--json]
npm run sim -- --seed N [--scenario NAME] [--mutant NAME]

  --seeds N        how many histories to play; 10,000 by default
  --seed N         plays one history, and prints its steps
  --from SEED      the first seed; 1 by default
  --scenario NAME  standard by default:
${list(Object.entries(scenarios).map(([name, { about }]) => [name, about]))}
  --workers N      threads; one for each core by default
  --mutant NAME    plays a broken variant instead:
${list(mutants.map(({ name, about }) => [name, about]))}
  --json           prints the result as JSON

Stops at the first history in which something does not hold, and ends with 1: with the seed, the command that plays it
again, the invariant (docs/invariants.md), and the least that has to happen for it. See docs/simulator.md.`;

/** Lines of a history that does not end are mostly the same. */
const MOST_LINES = 400;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    scenario: { type: 'string', default: 'standard' },
    workers: { type: 'string', default: String(availableParallelism()) },
    mutant: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const one = values.seed !== undefined;
const [seeds, from, workers] = [one ? 1 : Number(values.seeds), Number(values.seed ?? values.from), Number(values.workers)];
const isWrong =
  ![seeds, from, workers].every((number) => Number.isSafeInteger(number) && number >= 0) ||
  seeds < 1 ||
  workers < 1 ||
  !(values.scenario in scenarios) ||
  (values.mutant !== undefined && !mutants.some(({ name }) => name === values.mutant));
if (values.help || isWrong) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const scenario = values.scenario as ScenarioName;
const started = performance.now();
const result = await runCampaign({
  scenario,
  seeds,
  from,
  workers,
  mutant: values.mutant ?? null,
  traced: one,
  onProgress: (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${seeds} seeds, ${rate(done, (performance.now() - started) / 1000)} `);
  },
});
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
if (values.json) console.log(JSON.stringify({ scenario, ...result }, null, 2));
else console.log([...result.trace, result.failure === null ? summary(result) : told(result.failure)].join('\n'));
process.exitCode = result.failure === null ? 0 : 1;

function summary({ seeds: held, seconds, steps }: CampaignResult): string {
  const used = Math.min(workers, Math.ceil(seeds / 100));
  const each = used > 1 ? ` with ${used} threads, ${Math.round(held / seconds / used)} in each` : '';
  return `${held} seeds of scenario ${scenario} held: ${rate(held, seconds)}${each}, ${Math.round(steps / held)} steps a seed`;
}

function told({ seed, invariant, message, happened, needed, trace }: Failure): string {
  const mutant = values.mutant === undefined ? '' : ` --mutant '${values.mutant}'`;
  return [
    `FAILED: seed ${seed} of scenario ${scenario}, invariant ${invariant}: ${message}`,
    `again:  npm run sim -- --scenario ${scenario} --seed ${seed}${mutant}`,
    '',
    `what it takes, ${needed.length} of ${happened}:`,
    ...needed.map((line) => `  ${line}`),
    '',
    'step by step:',
    ...(trace.length > MOST_LINES ? [...trace.slice(0, MOST_LINES / 2), '  …', ...trace.slice(-MOST_LINES / 2)] : trace),
  ].join('\n');
}

function rate(count: number, seconds: number): string {
  return `${Math.round(count / seconds)} seeds/s`;
}

function list(entries: readonly (readonly string[])[]): string {
  const width = Math.max(...entries.map(([name]) => name!.length));
  return entries.map(([name, about]) => `      ${name!.padEnd(width)}  ${about}`).join('\n');
}
