import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TestFolder } from './folder.fake.ts';
import { WeirProcess, weirIn, type Result } from './weir-process.fake.ts';

// Each test starts processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const SHOP = `version: 1
http: false
pipelines:
  shop:
    source:
      postgres:
        url: postgres://app:hunter22@127.0.0.1:1/shop
    sinks:
      warehouse:
        duckdb: { path: ./shop.duckdb }
`;

const COMMANDS = ['init', 'check', 'discover', 'plan', 'run', 'status', 'sql', 'verify', 'snapshot', 'resync', 'repair', 'reset']
  .concat(['connectors', 'schema', 'demo']);

let folder: TestFolder;
beforeEach(() => {
  folder = new TestFolder();
});
afterEach(() => folder[Symbol.dispose]());

const weir = async (args: string[]): Promise<Result> => await weirIn(folder.path, args);

describe('help and usage', () => {
  test('--help lists the commands and gives examples', async () => {
    const { code, stdout, stderr } = await weir(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const command of COMMANDS) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
    expect(stdout).toContain('Examples:\n  weir demo\n');
  });

  test('each command has examples', async () => {
    const helps = await Promise.all(COMMANDS.map(async (command) => await weir([command, '--help'])));
    for (const [index, { code, stdout }] of helps.entries()) {
      expect(code).toBe(0);
      expect(stdout).toContain(' --json ');
      expect(stdout).toMatch(new RegExp(`Examples:\n.*weir ${COMMANDS[index]}`));
    }
  });

  test('--version', async () => {
    expect(await weir(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });

  test('without a command: the help, on stderr', async () => {
    const { code, stdout, stderr } = await weir([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: weir /);
  });

  test.each([
    [['chekc', 'x'], "unknown command 'chekc'\n  fix: Did you mean check?\n"],
    [['frobnicate'], "unknown command 'frobnicate'\n  fix: See `weir --help`.\n"],
    [['run'], "missing required argument 'file'\n  fix: See `weir run --help`.\n"],
    [['run', 'a', '--frob'], "unknown option '--frob'\n  fix: See `weir run --help`.\n"],
    [['sql', 'a', 'b', 'c', '--limit', '0'], 'Expected a whole number of at least 1.'],
    [['demo', '--seconds', 'x'], 'Expected a whole number of at least 1.'],
  ])('%j is a usage error', async (args, expected) => {
    const { code, stdout, stderr } = await weir(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^WEIR_USAGE\n {2}/);
    expect(stderr).toContain(expected);
  });
});

describe('what needs no server', () => {
  test('schema prints a JSON Schema', async () => {
    const { code, stdout } = await weir(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      required: ['version', 'pipelines'],
    });
  });

  test('connectors', async () => {
    const { stdout } = await weir(['connectors', '--json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'mysql', kind: 'source' },
      { name: 'postgres', kind: 'source' },
      { name: 'duckdb', kind: 'sink', delivery: { class: 'A' } },
      { name: 'mysql', kind: 'sink', delivery: { class: 'A' } },
      { name: 'postgres', kind: 'sink', delivery: { class: 'A' } },
    ]);
    expect((await weir(['connectors'])).stdout).toMatch(/^name .*\n─.*\nmysql +source/);
  });

  test('init writes a file that check understands, without the passwords, and leaves one that is there alone', async () => {
    const urls = ['--from', 'postgres://app:hunter22@127.0.0.1:1/shop', '--to', 'duckdb:./shop.duckdb'];
    const { code, stdout, stderr } = await weir(['init', ...urls]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^weir\.yaml is written\.\nSet SOURCE_PASSWORD .*\nNext:\n {2}weir check weir\.yaml .*\n {2}weir plan weir\.yaml /);
    const text = readFileSync(join(folder.path, 'weir.yaml'), 'utf8');
    expect(stdout + text).not.toContain('hunter22');
    const checked = await weirIn(folder.path, ['check', 'weir.yaml'], { SOURCE_PASSWORD: 'hunter22' });
    expect(checked).toMatchObject({ code: 3, stdout: expect.stringContaining('WEIR_PG_CONNECT') as string });
    const again = await weir(['init', '--json']);
    expect(again.code).toBe(2);
    expect(JSON.parse(again.stdout)).toMatchObject({ errors: [{ code: 'WEIR_INIT_EXISTS' }] });
    expect(readFileSync(join(folder.path, 'weir.yaml'), 'utf8')).toBe(text);
    expect(JSON.parse((await weir(['init', '--force', '--json'])).stdout)).toMatchObject({
      file: 'weir.yaml',
      variables: [{ name: 'DATABASE_URL' }],
      next: ['weir check weir.yaml', 'weir plan weir.yaml', 'weir run weir.yaml'],
    });
  });

  test('reset asks, and where it cannot it is refused', async () => {
    folder.file('weir.yaml', SHOP);
    const refused = await weir(['reset', 'weir.yaml', '--sinks']);
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^WEIR_RESET_REFUSED\n/) as string });
    expect(readdirSync(folder.path)).toEqual(['weir.yaml']);
  });

  test('status of what never ran makes no state', async () => {
    folder.file('weir.yaml', SHOP);
    expect(await weir(['status'])).toEqual({
      code: 0,
      stdout: 'shop never ran with this state directory, or is not part of what runs now.\n',
      stderr: '',
    });
    expect(JSON.parse((await weir(['status', '--json'])).stdout)).toEqual({
      pipelines: [{ pipeline: 'shop', running: false, at: null, pid: null, startedAt: null, status: null }],
    });
    expect(readdirSync(folder.path)).toEqual(['weir.yaml']);
  });
});

describe('a bad file', () => {
  const BAD = SHOP.replace('tables', 'tables')
    .replace('warehouse:', 'warehouse:\n        mod: mirror')
    .replace('http', 'htp');

  test.each(['check', 'run', 'verify', 'status'])('%s reports everything and exits 2', async (command) => {
    folder.file('bad.yaml', BAD);
    const { code, stdout, stderr } = await weir([command, 'bad.yaml']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(`WEIR_CONFIG_INVALID at bad.yaml:2:1 (htp)
  unknown key \`htp\`; expected version, state, http, pipelines
  fix: Did you mean \`http\`?
WEIR_CONFIG_INVALID at bad.yaml:10:9 (pipelines.shop.sinks.warehouse.mod)
  unknown key \`mod\`; expected duckdb, mysql, postgres, mode, target, deletes, schema_changes, on_error
  fix: Did you mean \`mode\`?
`);
  });

  test('--json puts the errors on stdout as well', async () => {
    folder.file('bad.yaml', BAD);
    const { stdout } = await weir(['check', 'bad.yaml', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      errors: [{ code: 'WEIR_CONFIG_INVALID', path: 'htp', file: 'bad.yaml', line: 2, column: 1 }, {}],
    });
  });

  test('YAML that is none', async () => {
    folder.file('bad.yaml', 'version: 1\n\tx: 2\n');
    const { code, stderr } = await weir(['check', 'bad.yaml']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^WEIR_CONFIG_SYNTAX at bad\.yaml:2:1\n.*\n {2}fix: Indent with spaces\.\n/);
  });

  test('a file that is not there', async () => {
    expect(await weir(['run', 'none.yaml'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'WEIR_CONFIG_FILE\n  none.yaml does not exist\n  fix: Name a file that exists and that you may read.\n',
    });
  });

  test('a pipeline that the file has not', async () => {
    folder.file('weir.yaml', SHOP);
    const { code, stderr } = await weir(['run', 'weir.yaml', '--pipeline', 'shp']);
    expect(code).toBe(2);
    expect(stderr).toContain('WEIR_USAGE\n  weir.yaml has no pipeline shp\n  fix: Did you mean shop?\n');
  });
});

describe('a server that is not there', () => {
  test('check names the place and exits 3, without the password (invariant 10)', async () => {
    folder.file('weir.yaml', SHOP);
    const { code, stdout, stderr } = await weir(['check', 'weir.yaml']);
    expect(code).toBe(3);
    expect(stdout).toContain('WEIR_PG_CONNECT at weir.yaml:7:14\n           (pipelines.shop.source.postgres.url)\n');
    expect(stdout).toContain('weir.yaml: 1 problem\n');
    expect(stdout + stderr).not.toContain('hunter22');
  });

  test('check --json', async () => {
    folder.file('weir.yaml', SHOP);
    const { code, stdout } = await weir(['check', 'weir.yaml', '--json']);
    expect(code).toBe(3);
    const report = JSON.parse(stdout) as { findings: object[] };
    expect(report).toMatchObject({ file: 'weir.yaml', ok: false });
    expect(report.findings[0]).toMatchObject({
      pipeline: 'shop',
      part: 'source',
      connector: 'postgres',
      code: 'WEIR_PG_CONNECT',
      level: 'error',
      path: 'pipelines.shop.source.postgres.url',
      line: 7,
      column: 14,
    });
  });

  test('run goes on trying, answers meanwhile, and ends with 0 on SIGTERM', async () => {
    folder.file('weir.yaml', SHOP);
    const running = new WeirProcess(folder.path, ['run', 'weir.yaml']);
    await expect.poll(() => running.stderr).toContain('WEIR_PG_CONNECT');
    const { stdout } = await weir(['status', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      pipelines: [{ pipeline: 'shop', running: true, pid: running.child.pid, status: { state: 'retrying' } }],
    });
    for (const args of [['run', 'weir.yaml'], ['reset', 'weir.yaml', '--yes']]) {
      const refused = await weir(args);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('WEIR_STORE_LOCKED');
    }
    const verified = await weir(['verify', 'weir.yaml']);
    expect(verified).toMatchObject({ code: 3, stderr: expect.stringMatching(/^WEIR_PG_CONNECT\b/) as string });
    const copied = await weir(['resync', 'weir.yaml', 'public.orders', '--json']);
    expect(copied.code).toBe(1);
    expect(JSON.parse(copied.stdout)).toMatchObject({
      errors: [{ code: 'WEIR_NOT_RUNNING', message: expect.stringContaining('shop is retrying: WEIR_PG_CONNECT') as string }],
    });
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.ended;
    expect(code).toBe(0);
    for (const line of stderr.trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) as string });
    expect(stderr).not.toContain('hunter22');
    expect((await weir(['status'])).stdout).toMatch(/^Not running\. As it was at .*\nshop {2}/);
  });

  test('verify ends with 130 on SIGINT', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    folder.file('weir.yaml', SHOP.replace('127.0.0.1:1/', `127.0.0.1:${port}/`));
    const verifying = new WeirProcess(folder.path, ['verify', 'weir.yaml']);
    await new Promise((resolve) => silent.once('connection', resolve));
    verifying.child.kill('SIGINT');
    expect((await verifying.ended).code).toBe(130);
    silent.close();
  });
});
