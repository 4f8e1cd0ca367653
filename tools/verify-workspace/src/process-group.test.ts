import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runGroup, type Ending } from './process-group.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'weir-group-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function run(script: string, options: { limit?: number; stop?: AbortSignal; cwd?: string } = {}): Promise<Ending> {
  return runGroup(process.execPath, ['-e', script], { cwd: folder(), limit: 30_000, output: 'ignore', ...options });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A script that starts a child which would sleep for a minute, and writes the child's process id. */
const withChild = `
  const { spawn } = require('node:child_process');
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
  require('node:fs').writeFileSync('child', String(child.pid));`;

test('an exit code is handed on', async () => {
  expect(await run('process.exit(0)')).toEqual({ code: 0, reason: null, leftovers: false });
  expect(await run('process.exit(3)')).toEqual({ code: 3, reason: null, leftovers: false });
});

test('a crash and a command that is not there have a reason', async () => {
  expect(await run(`process.kill(process.pid, 'SIGKILL')`)).toEqual({
    code: null,
    reason: 'was ended by SIGKILL',
    leftovers: false,
  });
  const ending = await runGroup('/no/such/program', [], { cwd: folder(), limit: 1000, output: 'ignore' });
  expect(ending).toEqual({ code: null, reason: '/no/such/program could not be started', leftovers: false });
});

test('the time limit ends the command and what it started', async () => {
  const cwd = folder();
  const ending = await run(`${withChild} setTimeout(() => {}, 60_000)`, { limit: 1000, cwd });
  expect(ending).toEqual({ code: null, reason: 'took longer than 1 s', leftovers: false });
  expect(isAlive(Number(readFileSync(join(cwd, 'child'), 'utf8')))).toBe(false);
});

test('what outlives the command is ended and reported', async () => {
  const cwd = folder();
  const ending = await run(`${withChild} child.unref(); process.exit(0)`, { cwd });
  expect(ending).toEqual({ code: 0, reason: null, leftovers: true });
  expect(isAlive(Number(readFileSync(join(cwd, 'child'), 'utf8')))).toBe(false);
});

test('a signal is passed on, so that the command can end in its own way', async () => {
  const cwd = folder();
  writeFileSync(join(cwd, 'seen'), '');
  const stopping = new AbortController();
  const onSignal = `process.on('SIGTERM', () => { require('node:fs').writeFileSync('seen', 'SIGTERM'); process.exit(7); });`;
  const script = `${onSignal} setTimeout(() => {}, 60_000);`;
  setTimeout(() => stopping.abort('SIGTERM'), 1000);
  expect(await run(script, { cwd, stop: stopping.signal })).toEqual({
    code: null,
    reason: 'was stopped by SIGTERM',
    leftovers: false,
  });
  expect(readFileSync(join(cwd, 'seen'), 'utf8')).toBe('SIGTERM');
});
