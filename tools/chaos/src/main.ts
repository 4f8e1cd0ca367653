// `npm run chaos`: a bank under load on real servers, while runners, servers, connections and the disk are treated badly.
import { parseArgs } from 'node:util';
import { runChaos, type ChaosResult } from './chaos.ts';
import type { SinkKind } from './schedule.ts';
import { summary } from './summary.ts';

const USAGE = `npm run chaos -- [--scenario bank] [--sink postgres|duckdb] [--minutes N] [--seed N] [--json]

Kills, stops and pauses runners and servers, resets and slows connections, drops answers to COMMIT, fills the sink's disk and
starts second runners, one line for each, and checks the sink all the while and at the end. docs/chaos.md says what and how.

  --scenario   bank, the only one
  --sink       postgres or duckdb; both by default, one after the other, each for that long
  --minutes    how long things go wrong, 5 by default
  --seed       what is done, in which order; a number of its own at each run by default
  --json       the results as JSON on standard output; the lines go to standard error

Exit code 1 when something was lost, doubled, torn or stuck, with the command that does the same again; 130 when interrupted.`;

const sinks: readonly SinkKind[] = ['postgres', 'duckdb'];
const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'bank' },
    sink: { type: 'string', multiple: true },
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const chosen = (values.sink ?? sinks) as SinkKind[];
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
const isWrong = values.scenario !== 'bank' || chosen.some((sink) => !sinks.includes(sink)) || !(minutes > 0) || !(seed >= 0);
if (values.help || isWrong) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());

const log = (line: string): void => (values.json ? console.error(line) : console.log(line));
const results: ChaosResult[] = [];
for (const sink of chosen) {
  if (stopping.signal.aborted) break;
  log(`${sink}, seed ${seed}`);
  const result = await runChaos({ sink, seed, ms: minutes * 60_000, signal: stopping.signal, log });
  log(summary(result, minutes));
  results.push(result);
}
if (values.json) console.log(JSON.stringify(results, null, 2));
const isBad = results.some(({ problems }) => problems.length > 0);
process.exitCode = isBad ? 1 : stopping.signal.aborted ? 130 : 0;
