import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { processMemory } from './process-memory.ts';

const main: string = fileURLToPath(new URL('../../../apps/runner/src/main.ts', import.meta.url));
const SAMPLE_MS = 50;
/** No run of a benchmark may take longer, in ms. */
const LIMIT_MS = 30 * 60_000;

export interface MeasuredRun {
  readonly seconds: number;
  /** The most memory that the process had resident, in bytes. */
  readonly peakBytes: number;
  /** What it had resident in the middle of its run: the median of samples every 50 ms, in bytes. */
  readonly medianBytes: number;
  readonly stdout: string;
}

/** Runs a `weir` command to its end in a process of its own and watches its memory. @throws Error when it fails */
export async function runWeir(args: readonly string[], folder: string): Promise<MeasuredRun> {
  const started = performance.now();
  const child = spawn(process.execPath, ['--conditions=@weir/source', main, ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr = (output.stderr + chunk.toString()).slice(-10_000)));
  const samples: number[] = [];
  let peakBytes = 0;
  const sampler = setInterval(() => {
    const memory = child.pid === undefined ? null : processMemory(child.pid);
    if (memory === null || memory.peak === 0) return;
    samples.push(memory.resident);
    peakBytes = Math.max(peakBytes, memory.peak);
  }, SAMPLE_MS);
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  }).finally(() => {
    clearInterval(sampler);
    clearTimeout(limit);
  });
  if (code !== 0) throw new Error(`weir ${args.join(' ')} ended with ${code}:\n${output.stderr}`);
  return { seconds: (performance.now() - started) / 1000, peakBytes, medianBytes: median(samples), stdout: output.stdout };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
