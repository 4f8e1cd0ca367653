// `npm run mutate`: changes the code of a package place by place and counts how many of the changes its tests notice.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { installStryker } from './install-stryker.ts';
import { scoreTable, survivors, type MutationReport } from './mutation-report.ts';
import { parseRequest } from './request.ts';
import { incrementalFile, passesOf, reportFile, RESULTS, strykerOptions, vitestVariables } from './stryker-options.ts';

const root = resolve(import.meta.dirname, '../../..');
const request = parseRequest(process.argv.slice(2));
if (typeof request === 'string') {
  console.log(request);
  process.exit(process.argv.some((word) => word === '--help' || word === '-h') ? 0 : 2);
}

let interrupted = false;
// The terminal tells the whole group of Ctrl-C; Stryker then removes its copies, and this process waits for it.
process.on('SIGINT', () => (interrupted = true));

const stryker = installStryker();
mkdirSync(join(root, RESULTS), { recursive: true });
const folder = mkdtempSync(join(tmpdir(), 'weir-mutation-'));
try {
  for (const name of request.packages) {
    if (request.anew) rmSync(join(root, incrementalFile(name)), { force: true });
    const config = join(folder, `${name}.json`);
    writeFileSync(config, JSON.stringify(strykerOptions(name, request)));
    for (const pass of passesOf(name, request)) {
      process.exitCode ??= await runStryker(config, vitestVariables(pass));
    }
    if (process.exitCode !== undefined) break;
    const report = JSON.parse(readFileSync(join(root, reportFile(name)), 'utf8')) as MutationReport;
    console.log([`\n${name}: not noticed`, ...survivors(report), '', scoreTable(report), ''].join('\n'));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Answers an exit code; undefined to go on. */
async function runStryker(config: string, variables: Readonly<Record<string, string>>): Promise<number | undefined> {
  // The same random tests in each run: a mutant must not survive by luck.
  const env = { WEIR_SEED: '1', ...process.env, ...variables };
  const child = spawn(process.execPath, [stryker, 'run', config], { cwd: root, env, stdio: 'inherit' });
  const forward = (): void => void child.kill('SIGINT');
  process.on('SIGTERM', forward);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGTERM', forward);
  if (code === 0) return undefined;
  return interrupted || code === null ? 130 : 1;
}
