import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Longest that git or Nx may take, in ms. */
const LIMIT = 60_000;

/** Names of the projects whose tests a change can break, and since which commit; null where git knows no change. */
export interface Affected {
  readonly base: string;
  readonly projects: readonly string[];
}

/**
 * What differs from the branch that this one goes into, or, on that branch, from the commit before; what is not committed
 * counts too. Nx adds the projects that depend on what has changed.
 */
export async function affectedProjects(root: string): Promise<Affected | null> {
  const git = async (...args: string[]): Promise<string> => await outputOf(root, 'git', args);
  const head = await git('rev-parse', 'HEAD');
  const fork = (await git('merge-base', 'HEAD', 'origin/main')) || (await git('merge-base', 'HEAD', 'main'));
  const base = fork !== '' && fork !== head ? fork : await git('rev-parse', 'HEAD~1');
  if (base === '') return null;
  const nx = [join(root, 'node_modules/.bin/nx'), 'show', 'projects', '--affected', `--base=${base}`, '--json'];
  const output = await outputOf(root, process.execPath, nx);
  try {
    return { base, projects: (JSON.parse(output) as string[]).toSorted() };
  } catch {
    return null;
  }
}

/** What a program wrote to its standard output; nothing when it failed. */
async function outputOf(cwd: string, program: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
  return await promisify(execFile)(program, args, { cwd, env, timeout: LIMIT }).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
}
