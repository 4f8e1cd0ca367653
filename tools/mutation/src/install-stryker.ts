import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Stryker with all that it needs is over 60 MB, which `npm start` and `npm test` do not use. So it is no package of the
 * workspace: its folder has a lockfile of its own, and is installed when it is first needed or the lockfile has changed.
 * It finds the Vitest of the workspace by going up from there.
 */
const folder = join(import.meta.dirname, '../stryker');

/** Longest that npm may take, in ms. */
const LIMIT = 10 * 60_000;

/** Makes Stryker ready; answers the path of its program, for Node. */
export function installStryker(): string {
  const hash = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  const stamp = join(folder, 'node_modules/.weir-setup');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) {
    console.error('installing Stryker (about 60 MB) …');
    const args = ['ci', '--prefix', folder, '--ignore-scripts', '--loglevel=error', '--no-audit', '--no-fund'];
    const { status, error } = spawnSync('npm', args, { cwd: folder, env: outsideNpm(), stdio: 'inherit', timeout: LIMIT });
    if (status !== 0) throw new Error(`npm could not install Stryker: ${error?.message ?? `exit code ${status}`}`);
    writeFileSync(stamp, hash);
  }
  return join(folder, 'node_modules/@stryker-mutator/core/bin/stryker.js');
}

/** The environment without what the npm that runs this script says of the workspace. */
function outsideNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$/i.test(name)));
}
