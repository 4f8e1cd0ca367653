import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages } from './debian-packages.ts';
import { command, dockerProblem } from './docker.ts';
import { isAlive } from './is-alive.ts';
import { isRoot } from './unprivileged-account.ts';

/** Longest that the daemon may take to answer, in ms. */
const START_LIMIT = 60_000;

/**
 * Makes a Docker daemon answer: as root on Debian it installs what is missing and starts it.
 * @returns what was done, for a person
 * @throws Error that says why it cannot be done here
 */
export async function ensureDocker(): Promise<string> {
  const problem = await dockerProblem();
  if (problem === null) return 'runs';
  if (process.platform !== 'linux' || !isRoot()) throw new Error(`Docker does not run here, and only root on Linux can start it: ${problem}`);
  const installed = await installMissing();
  const log = join(tmpdir(), 'weir-dockerd.log');
  const pid = startDaemon(log);
  const started = Date.now();
  while ((await dockerProblem()) !== null) {
    if (!isAlive(pid) || Date.now() - started > START_LIMIT)
      throw new Error(`dockerd does not start; the end of ${log}:\n${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n')}`);
    await sleep(200);
  }
  return `${installed}started; it goes on running as process ${pid}, its log is ${log}`;
}

async function installMissing(): Promise<string> {
  const wanted = [
    ['docker', 'docker.io'],
    ['dockerd', 'docker.io'],
    ['iptables', 'iptables'],
  ] as const;
  const packages = new Set<string>();
  for (const [program, name] of wanted) if (!(await isInstalled(program))) packages.add(name);
  if (packages.size === 0) return '';
  await installPackages([...packages]);
  return `installed ${[...packages].join(', ')}, `;
}

async function isInstalled(program: string): Promise<boolean> {
  return (await command('/bin/sh', ['-c', `command -v ${program}`], { limit: 10_000 })).code === 0;
}

/** Published ports are on the loopback only; Testcontainers asks for no address, and the default is every one. */
function startDaemon(log: string): number {
  const file = openSync(log, 'w', 0o600);
  try {
    const daemon = spawn('dockerd', ['--ip', '127.0.0.1'], { detached: true, stdio: ['ignore', file, file], cwd: '/' });
    daemon.on('error', () => {});
    daemon.unref();
    return daemon.pid ?? 0;
  } finally {
    closeSync(file);
  }
}
