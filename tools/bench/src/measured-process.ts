import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './median.ts';
import { processCpu, processMemory } from './process-stat.ts';

/** The program `weir`. */
export const weirMain: string = fileURLToPath(new URL('../../../apps/runner/src/main.ts', import.meta.url));
/** How often a process is looked at, in ms: by so much its CPU time can be too low. */
const SAMPLE_MS = 20;
/** No run of a benchmark may take longer, in ms. */
const LIMIT_MS = 30 * 60_000;
/** Characters of standard error that are told when a run fails. */
const KEPT = 10_000;

export interface MeasuredRun {
  readonly seconds: number;
  /** Processor time, in seconds. */
  readonly cpuSeconds: number;
  /** The most memory that the process had resident, in bytes. */
  readonly peakBytes: number;
  /** What it had resident in the middle of its run: the median of the samples, in bytes. */
  readonly medianBytes: number;
  readonly stdout: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** For its standard input; none by default. */
  readonly input?: string;
  /** Where Node writes a profile of its processor time; it writes none by default. */
  readonly profile?: string | undefined;
}

/** Runs a program to its end and watches its memory and its processor time. @throws Error when it fails */
export async function runMeasured(
  program: string,
  args: readonly string[],
  { cwd, input = '' }: ProcessOptions = {},
): Promise<MeasuredRun> {
  const started = performance.now();
  const child = spawn(program, args, { cwd, env: { ...process.env, NO_COLOR: '1' }, stdio: 'pipe' });
  child.stdin.end(input);
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr = (output.stderr + chunk.toString()).slice(-KEPT)));
  const samples: number[] = [];
  const last = { cpu: 0, peak: 0 };
  const sampler = setInterval(() => {
    const memory = child.pid === undefined ? null : processMemory(child.pid);
    if (memory === null || memory.peak === 0) return;
    samples.push(memory.resident);
    last.peak = Math.max(last.peak, memory.peak);
    last.cpu = Math.max(last.cpu, processCpu(child.pid!));
  }, SAMPLE_MS);
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  }).finally(() => {
    clearInterval(sampler);
    clearTimeout(limit);
  });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output.stderr}`);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, cpuSeconds: last.cpu, peakBytes: last.peak, medianBytes: median(samples), stdout: output.stdout };
}

/** Runs a `weir` command in a process of its own. @throws Error when it fails */
export async function runWeir(args: readonly string[], folder: string, profile?: string): Promise<MeasuredRun> {
  return await runNode(weirMain, args, { cwd: folder, profile });
}

/** Runs a module of this workspace in a process of its own. @throws Error when it fails */
export async function runNode(module: string, args: readonly string[], options: ProcessOptions = {}): Promise<MeasuredRun> {
  const { profile } = options;
  const flags = ['--conditions=@weir/source'];
  if (profile !== undefined) {
    flags.push('--cpu-prof', `--cpu-prof-dir=${dirname(profile)}`, `--cpu-prof-name=${basename(profile)}`);
  }
  return await runMeasured(process.execPath, [...flags, module, ...args], options);
}
