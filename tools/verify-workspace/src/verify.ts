import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { dockerProblem } from '@weir/services';
import { FIRST_VARIABLE } from './affected-first.ts';
import { affectedProjects } from './affected.ts';
import { contractsInContainers, olderVersions, postgresSuites, postgresVersions, suitesOf } from './postgres-suites.ts';
import { runGroup, type Ending } from './process-group.ts';
import type { VerifyRequest } from './request.ts';
import { readRecord } from './run-record.ts';
import { RECORD_VARIABLE } from './run-recorder.ts';
import { single, type Outcome } from './tally.ts';

/** What the parts of a run share. */
export interface Verification {
  /** The workspace. */
  readonly root: string;
  readonly request: VerifyRequest;
  /** Time in ms since 1970 when everything must be over. */
  readonly deadline: number;
  readonly stop: AbortSignal;
  /** `CI=true`: nothing may be skipped. */
  readonly ci: boolean;
  /** Where the output of the tools goes. */
  readonly output: 'inherit' | 'ignore';
}

/** What runs under one heading. It throws only at a defect of this program. */
export interface Step {
  readonly title: string;
  readonly run: (verification: Verification) => Promise<Outcome>;
}

/** The steps that were asked for: one for each part, and for each version of PostgreSQL. */
export function stepsOf({ request, root }: Verification): Step[] {
  return request.only.flatMap((part): Step[] => {
    if (part === 'postgres') return postgresSteps(request, root);
    if (part === 'containers' && namedServer() !== '') return [refusal(part, 1)];
    const run = { host: verifyHost, lint: verifyLint, types: verifyTypes, unit: verifyUnit, containers: verifyContainers };
    return [{ title: part, run: run[part] }];
  });
}

function namedServer(): string {
  return process.env['WEIR_TEST_POSTGRES_URL'] ?? '';
}

/** No version is claimed to be tested that is not. */
function refusal(title: string, skipped: number): Step {
  const note = 'WEIR_TEST_POSTGRES_URL names the server of all tests, so no other version is tested';
  const refused = { ...single(title, note), failed: 0, skipped };
  return { title, run: async ({ ci }) => await Promise.resolve(ci ? single(title, note) : refused) };
}

function postgresSteps({ postgres }: VerifyRequest, root: string): Step[] {
  const versions = postgres ?? olderVersions(root);
  if (namedServer() !== '' && versions.length > 0) return [refusal('postgres', versions.length)];
  return versions.map((version) => ({
    title: `postgres ${version}`,
    run: async (verification) => await verifyPostgres(verification, version),
  }));
}

function tool(root: string, path: string): string {
  return join(root, 'node_modules', path);
}

function start(
  verification: Verification,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ending> {
  const { root, deadline, stop, output } = verification;
  return runGroup(program, args, { cwd: root, env, limit: Math.max(1, deadline - Date.now()), stop, output });
}

/** Where no terminal reads, nothing is coloured: tools that see CI=true would colour a log file. */
const plain = !process.stdout.isTTY;

function problem(name: string, { code, reason, leftovers }: Ending): string | null {
  if (leftovers) console.log(`${name}: processes that outlived it were ended`);
  return code === 0 ? null : `${name} ${reason ?? `ended with exit code ${code}`}`;
}

/** The Node, the compiler and the packages that run are those that the workspace names. */
async function verifyHost(verification: Verification): Promise<Outcome> {
  const { root } = verification;
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const compiler = JSON.parse(readFileSync(tool(root, '@typescript/native/package.json'), 'utf8')) as { version: string };
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = tool(root, '.weir-setup');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  const problems: string[] = [];
  if (process.version !== `v${devDependencies['node']}`)
    problems.push(`this is Node ${process.version}, not ${devDependencies['node']}; start it with npm test`);
  if (!compiler.version.startsWith('7.')) problems.push(`TypeScript ${compiler.version} is installed, not 7`);
  if (!installed.startsWith(lock))
    problems.push('node_modules is not what package-lock.json says; run node tools/setup/setup.mjs');
  const answer = await start(verification, tool(root, '.bin/tsc'), ['--version']);
  return single('host', [...problems, problem('tsc --version', answer) ?? []].flat().join('; ') || null);
}

async function verifyLint(verification: Verification): Promise<Outcome> {
  const { root } = verification;
  const args = ['--type-aware', '--deny-warnings', ...existingPaths(verification)];
  const colour = plain ? { CI: undefined } : {};
  return single(
    'lint',
    problem('oxlint', await start(verification, process.execPath, [tool(root, 'oxlint/bin/oxlint'), ...args], colour)),
  );
}

/** All projects at once: `tsc -b` knows their order, and builds again only what changed. */
async function verifyTypes(verification: Verification): Promise<Outcome> {
  const projects = new Set(existingPaths(verification).map((path) => projectOf(verification.root, path)));
  const ending = await start(verification, tool(verification.root, '.bin/tsc'), ['--build', ...projects]);
  return single('types', problem('tsc --build', ending));
}

/** Everything that is not a part of its own; what was chosen runs, whatever it is. */
async function verifyUnit(verification: Verification): Promise<Outcome> {
  const { root, request } = verification;
  const chosen = request.filters.length > 0 || request.forVitest.length > 0;
  const contracts = await inContainers(verification, postgresVersions.at(-1)!);
  const left = chosen ? [] : [CONTAINER_SUITES, ...contracts.map((file) => join(root, file))];
  const env = { [FIRST_VARIABLE]: chosen ? '' : await affected(root) };
  return await runTests('unit', verification, request.filters, env, left);
}

/** Names of the projects whose tests run first, with commas. */
async function affected(root: string): Promise<string> {
  const found = await affectedProjects(root);
  if (found === null) return '';
  console.log(`first what differs from ${found.base.slice(0, 12)}: ${found.projects.join(' ') || 'nothing'}`);
  return found.projects.join(',');
}

const CONTAINER_SUITES = '**/*.container.test.ts';

/** The suites for servers in containers, which say so where there is no Docker. */
async function verifyContainers(verification: Verification): Promise<Outcome> {
  const { root, request } = verification;
  const suites = globSync(`{packages,apps,tools}/*/src/${CONTAINER_SUITES}`, { cwd: root }).toSorted();
  const filters = request.filters.length > 0 ? request.filters : suites;
  // Without a word vitest would run everything.
  if (filters.length === 0) return single('containers', 'there are no suites for containers');
  return await runTests('containers', verification, filters, {});
}

/**
 * Contracts that the part `containers` of this run holds against that version, so that they need not run on another server of
 * it; none where containers cannot be started.
 */
async function inContainers({ root, request }: Verification, version: number): Promise<readonly string[]> {
  const isRun = request.only.includes('containers') && namedServer() === '' && request.filters.length === 0;
  return isRun && (await dockerProblem()) === null ? contractsInContainers(root, version) : [];
}

/** The suites of the connectors, or the tests that were chosen, on a server of that version. */
async function verifyPostgres(verification: Verification, version: number): Promise<Outcome> {
  const { root, request } = verification;
  const contained = await inContainers(verification, version);
  // A version that was asked for gets everything.
  const chosen = request.postgres === null ? suitesOf(root, version) : postgresSuites(root);
  const suites = chosen.filter((file) => !contained.includes(file));
  const filters = request.filters.length > 0 ? request.filters : suites;
  if (filters.length === 0) return single(`postgres ${version}`, `there are no suites for PostgreSQL ${version}`);
  const env = { WEIR_TEST_POSTGRES_VERSION: String(version) };
  const outcome = await runTests(`postgres ${version}`, verification, filters, env);
  return { ...outcome, notes: outcome.notes.map((note) => `postgres ${version}: ${note}`) };
}

async function runTests(
  name: string,
  verification: Verification,
  filters: readonly string[],
  env: NodeJS.ProcessEnv,
  excluded: readonly string[] = [],
): Promise<Outcome> {
  const { root, request, ci } = verification;
  const folder = mkdtempSync(join(tmpdir(), 'weir-verify-'));
  try {
    const record = join(folder, 'record');
    writeFileSync(record, '');
    const recorder = join(import.meta.dirname, 'run-recorder.ts');
    // Many tests wait for a server more than they compute, so there are more workers than processors.
    const workers = `--maxWorkers=${Math.ceil(availableParallelism() * 1.5)}`;
    const args = ['run', workers, ...(plain ? ['--no-color'] : []), '--reporter=default', `--reporter=${recorder}`];
    const left = excluded.map((pattern) => `--exclude=${pattern}`);
    const vitest = [tool(root, 'vitest/vitest.mjs'), ...args, ...left, ...filters, ...request.forVitest];
    const ending = await start(verification, process.execPath, vitest, { ...env, [RECORD_VARIABLE]: record });
    const chosenByName = request.forVitest.some((option) => /^(?:-t|--testNamePattern)(?:=|$)/.test(option));
    const rules = { exitCode: ending.code, skipsFail: ci, chosenByName, mayAllSkip: name === 'containers' };
    const outcome = readRecord(readFileSync(record, 'utf8'), rules);
    const said = problem('vitest', ending);
    const notes = ending.reason === null || said === null ? outcome.notes : [...outcome.notes, said];
    return { ...outcome, name, notes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Filters that are files or folders; parts of names are for vitest alone. */
function existingPaths({ root, request }: Verification): string[] {
  return request.filters.filter((filter) => existsSync(resolve(root, filter)));
}

/** The project that a file or folder belongs to; the whole workspace above the packages. */
function projectOf(root: string, path: string): string {
  for (let folder = resolve(root, path); folder.startsWith(root); folder = dirname(folder)) {
    if (existsSync(join(folder, 'tsconfig.json'))) return relative(root, folder) || '.';
  }
  return '.';
}
