import { expect, it } from 'vitest';
import { runChaos } from './chaos.ts';
import type { SinkKind } from './schedule.ts';
import { summary } from './summary.ts';

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);
/** How long things go wrong for each sink, in ms. */
const MS = 30_000;

it.for<[SinkKind]>([['postgres'], ['duckdb']])(
  `to %s: whatever is done to them, nothing is lost, doubled or torn (invariants 1 to 7, seed ${seed})`,
  { timeout: 600_000 },
  async ([sink]) => {
    const signal = new AbortController().signal;
    const result = await runChaos({ sink, seed, ms: MS, signal, log: (line) => console.info(line) });
    console.info(summary(result, MS / 60_000));
    expect(result.problems, summary(result, MS / 60_000)).toEqual([]);
    expect(result.sumsChecked).toBeGreaterThan(0);
    expect(result.ledger.commits).toBeGreaterThan(0);
  },
);
