import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';

const workspace = resolve(import.meta.dirname, '../../..');
const save = 'async function save(): Promise<number> {\n  return Promise.resolve(1);\n}\n';
const inTry = (line: string): string =>
  `${save}export async function run(): Promise<number> {\n  try {\n    ${line}\n  } catch {\n    return 0;\n  }\n}\n`;

/** Each file breaks one rule and only that: [what, rule, text]. */
const planted: readonly (readonly [string, string, string])[] = [
  ['a floating promise', 'typescript(no-floating-promises)', `${save}save();\n`],
  ['a promise where a boolean is meant', 'typescript(no-misused-promises)', `${save}export const x = save() ? 1 : 2;\n`],
  [
    'an await of nothing',
    'typescript(await-thenable)',
    'export async function f(a: number): Promise<number> {\n  const b = await a;\n  return b + 1;\n}\n',
  ],
  ['a returned promise that try does not see', 'typescript(return-await)', inTry('return save();')],
  ['a thrown string', 'typescript(only-throw-error)', `export function f(): never {\n  throw 'x';\n}\n`],
  ['any', 'typescript(no-explicit-any)', 'export function f(a: any[]): number {\n  return a.length;\n}\n'],
  [
    'a value of unknown shape',
    'typescript(no-unsafe-member-access)',
    `export const f = (): boolean => JSON.parse('{}').x === 1;\n`,
  ],
  [
    'a switch that forgets a case',
    'typescript(switch-exhaustiveness-check)',
    `export function f(a: 'x' | 'y'): void {\n  switch (a) {\n    case 'x':\n      return;\n  }\n}\n`,
  ],
  [
    'a type imported as a value',
    'typescript(consistent-type-imports)',
    `import { Stats } from 'node:fs';\n\nexport type S = Stats;\n`,
  ],
  ['a builtin without node:', 'unicorn(prefer-node-protocol)', `export { join } from 'path';\n`],
  ['console in a package', 'eslint(no-console)', `console.log('x');\n`],
  ['loose equality', 'eslint(eqeqeq)', 'export const f = (a: number, b: number): boolean => a == b;\n'],
  ['an unused variable', 'eslint(no-unused-vars)', 'const a = 1;\nexport const b = 2;\n'],
  [
    'an import cycle',
    'import(no-cycle)',
    `import { other } from './other.ts';\n\nexport const one = (): number => other();\n`,
  ],
];
const fileOf = (rule: string): string => `${rule.replace(/[()]/g, '-')}.ts`;
const found = new Map<string, Set<string>>();

/** One run over all of them, with the rules of this workspace. */
beforeAll(() => {
  const root = mkdtempSync(join(tmpdir(), 'weir-lint-'));
  try {
    symlinkSync(join(workspace, 'node_modules'), join(root, 'node_modules'));
    copyFileSync(join(workspace, '.oxlintrc.json'), join(root, '.oxlintrc.json'));
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2024',
      module: 'nodenext',
      types: ['node'],
      allowImportingTsExtensions: true,
    };
    const files: Record<string, string> = {
      '.gitignore': 'node_modules\n',
      'package.json': JSON.stringify({ type: 'module' }),
      'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src'] }),
      'src/clean.ts': `${save}export const saved = await save();\n`,
      'src/other.ts': `import { one } from './${fileOf('import(no-cycle)')}';\n\nexport const other = () => one();\n`,
      'apps/a/src/console.ts': `console.log('x');\n`,
    };
    for (const [, rule, text] of planted) files[`src/${fileOf(rule)}`] = text;
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    const { stdout } = spawnSync(
      process.execPath,
      [join(workspace, 'node_modules/oxlint/bin/oxlint'), '--type-aware', '-f', 'json'],
      { cwd: root, encoding: 'utf8' },
    );
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: readonly { filename: string; code: string; severity: string }[];
    };
    for (const { filename, code, severity } of diagnostics) {
      const file = basename(filename);
      found.set(file, (found.get(file) ?? new Set()).add(severity === 'error' ? code : `${code} as ${severity}`));
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test.each(planted)('lint finds %s: %s', (_what, rule) => {
  expect([...(found.get(fileOf(rule)) ?? [])]).toEqual([rule]);
});

test('lint accepts clean code, and console in an app', () => {
  expect(found.get('clean.ts')).toBeUndefined();
  expect(found.get('console.ts')).toBeUndefined();
});
