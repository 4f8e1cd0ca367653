import type { ChaosResult } from './chaos.ts';

/** What was done, what was seen, and the command that does it again when something was wrong. */
export function summary({ counts, problems, notDone, ...result }: ChaosResult, minutes: number): string {
  const { ledger, sink, seed } = result;
  const done = [
    [counts.kills, 'kills'], [counts.pauses, 'pauses'], [counts.stops, 'stops'], [counts.resets, 'resets'],
    [counts.droppedAnswers, 'dropped answers'], [counts.fullDisks, 'full disks'], [counts.slowdowns, 'slowdowns'],
    [counts.refusals, 'refused runners'], [counts.takeovers, 'takeovers'], [counts.restarts, 'restarts'],
  ].map(([count, what]) => `${count} ${what}`);
  const seen = [
    `${result.transactions} transactions`, `${result.commitsSeen} commits seen`, `${result.sumsChecked} sums checked`,
    ...(result.commitsChecked === null ? [] : [`${result.commitsChecked} by the sink at a commit`]),
    `ledger: ${ledger.commits} commits of ${ledger.rows} rows`,
  ];
  const lines = [`${sink}, seed ${seed}: ${done.join(', ')}`, seen.join(', ')];
  const codes = Object.entries(result.codes).map(([code, count]) => `${code} ${count}`);
  if (codes.length > 0) lines.push(`the runners said: ${codes.join(', ')}`);
  for (const each of notDone) lines.push(`! ${each}`);
  const isWell = result.isCompared ? 'nothing was lost, doubled or torn' : 'interrupted; both sides were not compared';
  if (problems.length === 0) return [...lines, isWell].join('\n');
  for (const problem of problems) lines.push(`✗ ${problem}`);
  lines.push(`replay: npm run chaos -- --scenario bank --sink ${sink} --minutes ${minutes} --seed ${seed}`);
  return lines.join('\n');
}
