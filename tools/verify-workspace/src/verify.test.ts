import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Part } from './request.ts';
import type { Outcome } from './tally.ts';
import { verify } from './verify.ts';

const workspace = resolve(import.meta.dirname, '../../..');

/** Runs one part over a workspace that holds these files, with the tools and the lint rules of this one. */
async function outcomeOf(
  part: Part,
  files: Readonly<Record<string, string>>,
  { ci = false, limit = 60_000 } = {},
): Promise<Outcome> {
  const root = mkdtempSync(join(tmpdir(), 'weir-verify-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  symlinkSync(join(workspace, 'node_modules'), join(root, 'node_modules'));
  copyFileSync(join(workspace, '.oxlintrc.json'), join(root, '.oxlintrc.json'));
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    module: 'nodenext',
    types: [],
    allowImportingTsExtensions: true,
  };
  const base = {
    'package.json': JSON.stringify({ type: 'module', devDependencies: { node: process.versions.node } }),
    'package-lock.json': '{}',
    '.gitignore': 'node_modules\n',
    'tsconfig.json': JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    'vitest.config.js': `export default { test: { include: ['*.test.ts'], passWithNoTests: true } };`,
  };
  for (const [file, text] of Object.entries({ ...base, ...files })) writeFileSync(join(root, file), text);
  const request = { only: [part], filters: [], forVitest: [] };
  return verify(part, {
    root,
    request,
    deadline: Date.now() + limit,
    stop: new AbortController().signal,
    ci,
    output: 'ignore',
  });
}

const fine = 'export async function save(): Promise<number> {\n  return await Promise.resolve(1);\n}\n';

test('lint passes on clean code and fails at a floating promise', async () => {
  expect(await outcomeOf('lint', { 'a.ts': fine })).toMatchObject({ passed: 1, failed: 0 });
  const outcome = await outcomeOf('lint', { 'a.ts': `${fine}\nsave();\n` });
  expect(outcome).toMatchObject({ passed: 0, failed: 1, notes: ['oxlint ended with exit code 1'] });
});

test('types are checked by the compiler', async () => {
  expect(await outcomeOf('types', { 'a.ts': 'export const a: number = 1;\n' })).toMatchObject({ passed: 1, failed: 0 });
  expect(await outcomeOf('types', { 'a.ts': `export const a: number = 'one';\n` })).toMatchObject({ passed: 0, failed: 1 });
});

const tests = (body: string): Record<string, string> => ({
  'a.test.ts': `import { expect, test } from 'vitest';\ntest('one', () => expect(1).toBe(1));\n${body}`,
});

test.each([
  ['passing tests', tests(''), { passed: 1, failed: 0, skipped: 0 }],
  ['a failing test', tests(`test('two', () => expect(1).toBe(2));`), { passed: 1, failed: 1 }],
  ['a skipped test', tests(`test.skip('two', () => {});`), { passed: 1, failed: 0, skipped: 1 }],
  ['an unhandled rejection', tests(`void Promise.reject(new Error('lost'));`), { passed: 1, failed: 1 }],
  ['a file that cannot be loaded', { ...tests(''), 'b.test.ts': `throw new Error('no');` }, { passed: 1, failed: 1 }],
  [
    'a file that kills its process',
    { ...tests(''), 'b.test.ts': `process.kill(process.pid, 'SIGKILL');` },
    { passed: 1, failed: 1 },
  ],
  ['no test at all', {}, { passed: 0, failed: 1 }],
  ['a configuration that is broken', { 'vitest.config.js': 'export default {' }, { passed: 0, failed: 1 }],
])('unit counts %s', async (_what, files, expected) => {
  expect(await outcomeOf('unit', files)).toMatchObject(expected);
});

test('with CI=true a skipped test has failed', async () => {
  expect(await outcomeOf('unit', tests(`test.skip('two', () => {});`), { ci: true })).toMatchObject({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

test('a run that hangs ends at the time limit, and tells what ran and what hung', async () => {
  const files = tests(`test('forever', () => new Promise(() => {}), 60_000);`);
  const outcome = await outcomeOf('unit', files, { limit: 4000 });
  expect(outcome).toMatchObject({ passed: 1, failed: 1, notes: ['a.test.ts did not end', 'vitest took longer than 4 s'] });
});

test('the host is refused when Node or the packages are not those of the workspace', async () => {
  const outcome = await outcomeOf('host', { 'package.json': JSON.stringify({ devDependencies: { node: '1.0.0' } }) });
  expect(outcome).toMatchObject({ passed: 0, failed: 1 });
  expect(outcome.notes.join()).toContain('not 1.0.0; start it with npm test');
  expect(outcome.notes.join()).toContain('node_modules is not what package-lock.json says');
});
