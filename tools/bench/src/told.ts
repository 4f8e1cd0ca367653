import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import type { Checkpoint } from '@weir/sdk';

/** What a contender in a process of its own tells on its standard output. */
export interface Told {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** What the last line of a contender's output tells. @throws Error when it brought other than `rows` */
export function toldBy({ stdout }: { readonly stdout: string }, rows: number): Told {
  const told = JSON.parse(stdout.trim().split('\n').at(-1)!) as Told;
  if (told.rows !== rows) throw new Error(`${told.rows} of ${rows} rows were brought`);
  return told;
}

/** What such a contender is to read. */
export interface Order {
  readonly url: string;
  readonly slot: string;
  readonly publication: string;
  readonly rows: number;
  /** Where the rows begin, for the source of Weir. */
  readonly checkpoint: Checkpoint;
  /** The end of the log behind them. */
  readonly end: string;
  /** `catch_up_at` of the source of Weir; null: it streams. */
  readonly catchUpAt: number | null;
}

/** What this contender is to read, from its standard input. */
export async function readOrder(): Promise<Order> {
  return JSON.parse(await text(process.stdin)) as Order;
}

/** Runs what is measured, its start-up left out, and tells. @param work answers how many rows came */
export async function timed(work: () => Promise<number>): Promise<void> {
  const [started, before] = [performance.now(), process.cpuUsage()];
  const rows = await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  const told: Told = { rows, seconds, cpuSeconds: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1024 };
  console.log(JSON.stringify(told));
}
