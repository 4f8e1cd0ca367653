// `npm test`: every check of the workspace, and a last line that counts what really ran.
import { resolve } from 'node:path';
import { parseRequest } from './request.ts';
import { closingLine, single, slowest, total, type Outcome } from './tally.ts';
import { stepsOf, type Verification } from './verify.ts';

/** Longest that everything together may take, in ms. */
const LIMIT = 80 * 60_000;

/** Files of tests that are named with their time, in a run of many. */
const SLOWEST = 25;

const request = parseRequest(process.argv.slice(2));
if (typeof request === 'string') {
  console.log(request);
  process.exit(process.argv.includes('--help') || process.argv.includes('-h') ? 0 : 2);
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort(signal));

const verification: Verification = {
  root: resolve(import.meta.dirname, '../../..'),
  request,
  deadline: Date.now() + LIMIT,
  stop: stopping.signal,
  ci: process.env['CI'] === 'true',
  output: 'inherit',
};

const outcomes: Outcome[] = [];
const lines: string[] = [];
for (const { title, run } of stepsOf(verification)) {
  if (stopping.signal.aborted) break;
  console.log(`\n── ${title} ${'─'.repeat(60 - title.length)}`);
  const started = Date.now();
  const outcome = await run(verification).catch((error: unknown) =>
    single(title, error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
  outcomes.push(outcome);
  lines.push(`${title.padEnd(11)} ${((Date.now() - started) / 1000).toFixed(1).padStart(7)} s   ${closingLine(outcome)}`);
}

if (stopping.signal.aborted) outcomes.push(single('signal', `stopped by ${stopping.signal.reason}`));
const all = total(outcomes);
console.log(`\n── summary ${'─'.repeat(53)}`);
for (const line of lines) console.log(line);
for (const line of slowest(outcomes, SLOWEST)) console.log(line);
for (const note of [...outcomes.flatMap(({ notes }) => notes), ...all.notes]) console.log(`! ${note}`);
console.log(`\n${closingLine(all)}`);
process.exitCode = stopping.signal.aborted ? (stopping.signal.reason === 'SIGTERM' ? 143 : 130) : all.failed > 0 ? 1 : 0;
