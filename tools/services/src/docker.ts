import { spawn, type StdioOptions } from 'node:child_process';

/** What a program came to; `output` is the end of what it wrote to both streams. */
export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

export interface CommandOptions {
  /** Longest that it may take, in ms. */
  readonly limit: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Bytes of a program's output that are kept. */
const OUTPUT_KEPT = 16 * 1024;

/** Runs a program to its end. One that is not installed ends with code 127, one that takes too long with null. */
export async function command(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
  const env = { ...process.env, ...options.env };
  const child = spawn(program, args, { stdio, timeout: options.limit, killSignal: 'SIGKILL', env, cwd: options.cwd });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-OUTPUT_KEPT)));
  }
  const { promise, resolve } = Promise.withResolvers<CommandResult>();
  child.once('error', (error) => resolve({ code: 127, output: String(error) }));
  child.once('close', (code) => resolve({ code, output }));
  return await promise;
}

/** Without buildx, the builder that Docker itself has. */
const CLASSIC_BUILDER = { DOCKER_BUILDKIT: '0' };

export async function docker(args: readonly string[], limit = 30_000): Promise<CommandResult> {
  return await command('docker', args, { limit, env: CLASSIC_BUILDER });
}

/** Null when a Docker daemon answers, else a reason that reads on after "Docker does not run here". */
export async function dockerProblem(): Promise<string | null> {
  const { code, output } = await docker(['version', '--format', '{{.Server.Version}}']);
  if (code === 0) return null;
  if (code === 127) return 'it is not installed';
  return output.trim().split('\n').at(-1) ?? 'it does not answer';
}

/** The value of a label of an image; null when there is no such image, empty when it has no such label. */
export async function imageLabel(image: string, label: string): Promise<string | null> {
  const { code, output } = await docker(['image', 'inspect', '--format', `{{index .Config.Labels "${label}"}}`, image]);
  return code === 0 ? output.trim() : null;
}
