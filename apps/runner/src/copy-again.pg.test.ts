import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { DuckDBInstance } from '@duckdb/node-api';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { TestFolder } from './folder.fake.ts';
import { WeirProcess, weirIn, type Result } from './weir-process.fake.ts';

// A real server and many processes, which take their time on a busy machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const CONFIG = `version: 1
http: false
pipelines:
  shop:
    source: { postgres: { url: "\${SOURCE}", tables: [public.*], snapshot: { chunk_rows: 500 } } }
    sinks:
      warehouse: { duckdb: { path: ./shop.duckdb } }
      replica: { postgres: { url: "\${SINK}" } }
`;

let server: TemporaryPostgres;
let folder: TestFolder;
let count = 0;
let env: { SOURCE: string; SINK: string };
let running: WeirProcess | null = null;

beforeAll(async () => {
  server = await temporaryPostgres();
});
afterAll(async () => await server[Symbol.asyncDispose]());

beforeEach(async () => {
  folder = new TestFolder();
  folder.file('weir.yaml', CONFIG);
  count++;
  const url = (name: string): string => Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
  env = { SOURCE: url(`source_${count}`), SINK: url(`sink_${count}`) };
  await sql(server.url, `CREATE DATABASE source_${count}`);
  await sql(server.url, `CREATE DATABASE sink_${count}`);
  await sql(
    env.SOURCE,
    `CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE TABLE lines (id int PRIMARY KEY, note text);
     CREATE TABLE log (line text); ALTER TABLE log REPLICA IDENTITY FULL; INSERT INTO log VALUES ('a'), ('a'), ('b');
     INSERT INTO orders SELECT n, 'order ' || n FROM generate_series(1, 3000) n; INSERT INTO lines VALUES (1, 'line')`,
  );
});
afterEach(async () => {
  running?.child.kill('SIGKILL');
  await running?.ended;
  running = null;
  folder[Symbol.dispose]();
  await sql(server.url, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = 'source_${count}'`);
});

async function sql(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

async function weir(...args: string[]): Promise<Result> {
  return await weirIn(folder.path, args, env);
}

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse((await weir(...args, '--json')).stdout) as T;
}

async function start(): Promise<void> {
  const process = new WeirProcess(folder.path, ['run', 'weir.yaml'], env);
  running = process;
  await expect.poll(() => process.stderr).toContain('pipeline opened');
}

async function stop(): Promise<void> {
  running!.child.kill('SIGTERM');
  expect(await running!.ended).toMatchObject({ code: 0 });
  running = null;
}

/** What nobody but Weir should do to its tables: a row lost, one changed, one that the source never had. */
async function tamper(...own: string[]): Promise<void> {
  const some = [
    'DELETE FROM public.orders WHERE id = 7',
    "UPDATE public.orders SET note = 'tampered' WHERE id = 1500",
    "INSERT INTO public.orders VALUES (100000, 'ghost'), (-1, 'ghost')",
  ];
  const changes = own.length > 0 ? own : some;
  await sql(env.SINK, changes.join('; '));
  const instance = await DuckDBInstance.create(join(folder.path, 'shop.duckdb'));
  const connection = await instance.connect();
  for (const change of changes) await connection.run(change);
  connection.closeSync();
  instance.closeSync();
}

/** Changes rows of all kinds until it is ended. */
function writing(): AsyncDisposable {
  const ended = new AbortController();
  const work = (async () => {
    for (let round = 1; !ended.signal.aborted; round++) {
      const id = 5000 + round;
      await sql(
        env.SOURCE,
        `INSERT INTO orders VALUES (${id}, 'new'); UPDATE orders SET note = 'r${round}' WHERE id > 100 AND id % 97 = ${round % 97};
         DELETE FROM orders WHERE id = ${10 + round}; INSERT INTO log VALUES ('r${round}')`,
      );
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await work;
    },
  };
}

interface Verdict {
  readonly equal: boolean;
  readonly pipelines: readonly { sinks: readonly { sink: string; tables: readonly { table: string; equal: boolean }[] }[] }[];
}

async function expectEqual(): Promise<void> {
  await expect.poll(async () => (await json<Verdict>('verify', 'weir.yaml')).equal).toBe(true);
  await stop();
  expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
  expect(await json<Verdict>('verify', 'weir.yaml')).toMatchObject({ equal: true });
}

describe('tables that are copied once more while a process runs and rows are written', () => {
  test('snapshot puts right in place what others did to a mirror; tables without a key are left out', async () => {
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    await tamper();
    expect(await json<Verdict>('verify', 'weir.yaml')).toMatchObject({ equal: false });
    await start();
    {
      await using _ = writing();
      expect(await json('snapshot', 'weir.yaml')).toEqual({
        pipeline: 'shop',
        how: 'in-place',
        tables: ['public.lines', 'public.orders'],
        leftOut: [{ table: 'public.log', why: expect.stringContaining('weir resync') as string }],
        done: true,
      });
    }
    await expectEqual();
  });

  test('resync starts the named tables over; --no-wait returns when that has begun', async () => {
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    await tamper();
    await start();
    {
      await using _ = writing();
      expect(await weir('resync', 'weir.yaml', 'public.orders', 'public.log')).toEqual({
        code: 0,
        stdout: '  public.orders\n  public.log\nshop: copied anew; every sink holds it\n',
        stderr: '',
      });
      const begun = { done: false, tables: ['public.orders'] };
      expect(await json('resync', 'weir.yaml', 'public.orders', '--no-wait')).toMatchObject(begun);
    }
    await expectEqual();
  });

  test('repair writes only the ranges of keys that differ', async () => {
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    await tamper();
    await start();
    const same = { ranges: 1, different: 0, rows: 0 };
    const lines = { warehouse: { 'public.lines': same }, replica: { 'public.lines': same } };
    expect(await json('repair', 'weir.yaml', 'public.lines')).toMatchObject({ tables: ['public.lines'], done: true, repairs: lines });
    const { stdout } = await weir('repair', 'weir.yaml');
    // Chunks of 500 rows: the first, the one with 1,500, and what lies behind the last row.
    const found = '3 of 7 ranges differed, 1,000 rows written';
    expect(stdout).toContain(`  public.orders\n    warehouse: ${found}\n    replica: ${found}\nleft out  public.log: `);
    expect(await json('verify', 'weir.yaml')).toMatchObject({ equal: true });
    expect((await weir('repair', 'weir.yaml', 'public.orders')).stdout).toBe(
      '  public.orders\n    warehouse: the same\n    replica: the same\nshop: nothing differs\n',
    );
    await expectEqual();
  });

  test.each(['snapshot', 'repair'])('%s meets changes of rows that others took away before they are read again', async (command) => {
    folder.file('weir.yaml', CONFIG.replace('chunk_rows: 500', 'chunk_rows: 500, max_rows_per_second: 1000'));
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    await tamper('DELETE FROM public.orders WHERE id > 2800', "INSERT INTO public.orders VALUES (2990, 'ghost'), (4000, 'ghost')");
    await start();
    expect(await json(command, 'weir.yaml', 'public.orders', '--no-wait')).toMatchObject({ done: false });
    await sql(
      env.SOURCE,
      `UPDATE orders SET note = 'changed' WHERE id = 2900; DELETE FROM orders WHERE id = 2901; INSERT INTO orders VALUES (4000, 'new');
       UPDATE orders SET id = -2902 WHERE id = 2902; UPDATE orders SET id = 5000 WHERE id = 1`,
    );
    await expectEqual();
  });

  test('what cannot be copied is refused, with the name that was meant', async () => {
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    const stopped = await weir('resync', 'weir.yaml', 'public.orders');
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toMatch(/^WEIR_NOT_RUNNING\n.*\n {2}fix: Start it with `weir run weir\.yaml`/);
    await start();
    for (const [name, meant] of [['public.ordrs', 'public.orders'], ['orders', 'public.orders']]) {
      const { code, stderr } = await weir('resync', 'weir.yaml', name!);
      expect(code).toBe(2);
      expect(stderr).toBe(`WEIR_TABLE_UNKNOWN\n  the pipeline captures no table ${name}\n  fix: Did you mean ${meant}?\n`);
    }
    const keyless = await json('snapshot', 'weir.yaml', 'public.log');
    expect(keyless).toMatchObject({ errors: [{ code: 'WEIR_TABLE_NO_KEY', fix: expect.stringContaining('weir resync') as string }] });
    await stop();
  });
});

interface Status {
  readonly pipelines: readonly { status: { sinks: Record<string, { stoppedTables: readonly { table: string; code: string }[] }> } }[];
}

async function stoppedTables(): Promise<string[]> {
  const { sinks } = (await json<Status>('status', 'weir.yaml')).pipelines[0]!.status;
  return Object.entries(sinks).flatMap(([sink, { stoppedTables: stopped }]) => stopped.map(({ table, code }) => `${sink} ${table} ${code}`));
}

describe('on_error: stop_table', () => {
  test('a mirror that others changed stops its table in both sinks; resync mends it while the process runs', async () => {
    folder.file('weir.yaml', CONFIG.replaceAll('" } }\n', '" }, on_error: stop_table }\n').replace('.duckdb } }', '.duckdb }, on_error: stop_table }'));
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    await tamper();
    await start();
    await sql(env.SOURCE, "UPDATE orders SET note = 'met by nothing' WHERE id = 7; INSERT INTO lines VALUES (2, 'goes on')");
    await expect.poll(stoppedTables).toEqual([
      'warehouse public.orders WEIR_DUCKDB_DIVERGED',
      'replica public.orders WEIR_PG_DIVERGED',
    ]);
    {
      await using _ = writing();
      const resynced = await weir('resync', 'weir.yaml', 'public.orders');
      expect(resynced).toMatchObject({ code: 0, stdout: '  public.orders\nshop: copied anew; every sink holds it\n' });
    }
    expect(await stoppedTables()).toEqual([]);
    await expectEqual();
  });
});

describe('reset', () => {
  test('--sinks: the next run copies from scratch, over what others made of the tables', async () => {
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    await tamper();
    expect(await json('reset', 'weir.yaml', '--sinks', '--yes')).toEqual({
      parts: [
        { pipeline: 'shop', part: 'source', done: expect.arrayContaining(['dropped replication slot weir_shop']) as string[] },
        { pipeline: 'shop', part: 'sink warehouse', done: ['forgot its checkpoint'] },
        { pipeline: 'shop', part: 'sink replica', done: ['forgot its checkpoint'] },
      ],
    });
    expect((await weir('reset', 'weir.yaml', '--sinks', '--yes')).stdout).toBe(
      `shop: source: there was no replication slot weir_shop
shop: source: there was no publication weir_shop
shop: sink warehouse: had no checkpoint
shop: sink replica: had no checkpoint
`,
    );
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    expect(await json<Verdict>('verify', 'weir.yaml')).toMatchObject({ equal: true });
  });

  test('without --sinks the next run is refused, and copies once they have forgotten too', async () => {
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
    expect(await weir('reset', 'weir.yaml', '--yes')).toMatchObject({ code: 0 });
    const refused = await weir('run', 'weir.yaml', '--until-caught-up');
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('WEIR_PG_SLOT_LOST') as string });
    expect(await weir('reset', 'weir.yaml', '--sinks', '--yes')).toMatchObject({ code: 0 });
    expect(await weir('run', 'weir.yaml', '--until-caught-up')).toMatchObject({ code: 0 });
  });
});

describe('while a process runs', () => {
  test('check, discover, plan and sql answer, about DuckDB too', async () => {
    await start();
    await expect.poll(async () => (await json<Verdict>('verify', 'weir.yaml')).equal).toBe(true);
    const plan = await json<{ ok: boolean; pipelines: { sinks: { tables: { action: string }[] }[] }[] }>('plan', 'weir.yaml');
    expect(plan.ok).toBe(true);
    expect(plan.pipelines[0]!.sinks.map(({ tables }) => tables.map(({ action }) => action))).toEqual([
      ['use', 'use', 'use'],
      ['use', 'use', 'use'],
    ]);
    expect(await weir('check', 'weir.yaml')).toMatchObject({ code: 0, stdout: expect.stringMatching(/ready to run\n$/) as string });
    expect(await json('discover', 'weir.yaml')).toMatchObject({
      pipelines: [{ tables: [{ table: 'public.lines', copy: 'by-key' }, { table: 'public.log', copy: 'snapshot' }, {}] }],
    });
    const refused = await weir('reset', 'weir.yaml', '--yes');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/^WEIR_STORE_LOCKED\n/) as string });
    await stop();
  });
});
