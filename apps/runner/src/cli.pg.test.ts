import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TestFolder } from './folder.fake.ts';
import { WeirProcess, weirIn } from './weir-process.fake.ts';

// Starts a server and many processes, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const CONFIG = `version: 1
http: 127.0.0.1:0
pipelines:
  shop:
    source: { postgres: { url: "\${DATABASE_URL}" } }
    sinks: { warehouse: { duckdb: { path: ./shop.duckdb } } }
`;

let server: TemporaryPostgres;
let folder: TestFolder;

beforeAll(async () => {
  server = await temporaryPostgres();
  folder = new TestFolder();
  folder.file('weir.yaml', CONFIG);
  await sql(`CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12, 2), note text);
    INSERT INTO orders SELECT n, n * 1.25, 'order ' || n FROM generate_series(1, 5000) n`);
});
afterAll(async () => {
  folder[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

async function sql(text: string): Promise<void> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

function start(...args: string[]): WeirProcess {
  return new WeirProcess(folder.path, args, { DATABASE_URL: server.url });
}

async function weir(...args: string[]) {
  return await weirIn(folder.path, args, { DATABASE_URL: server.url });
}

async function query(text: string): Promise<unknown> {
  return (JSON.parse((await weir('sql', 'weir.yaml', 'warehouse', text, '--json')).stdout) as { rows: unknown }).rows;
}

test('check, run --until-caught-up, status, sql and verify', async () => {
  expect(await weir('check', 'weir.yaml')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/ready to run\n$/) as string,
  });
  const plan = await weir('plan', 'weir.yaml');
  expect(plan.stdout).toMatch(/public\.orders +public\.orders +create +3\n/);
  expect(plan).toMatchObject({ code: 0, stdout: expect.stringMatching(/weir\.yaml: nothing is refused\n$/) as string });
  const ran = await weir('run', 'weir.yaml', '--until-caught-up', '--json');
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    pid: expect.any(Number) as number,
    pipelines: [{ name: 'shop', state: 'stopped', failure: null, sinks: { warehouse: { rows: { delivered: 5000 }, stoppedTables: [] } } }],
  });
  expect((await weir('status')).stdout).toMatch(/^Not running\. As it was at .*\nshop {2}stopped\n.*5,000 rows delivered/);
  expect(await query('SELECT count(*), sum(total) FROM public.orders')).toEqual([['5000', '15628125.00']]);
  const verified = await weir('verify', 'weir.yaml');
  expect(verified.stdout).toMatch(/public\.orders +5,000 +5,000 +equal\n.*\n\nverified\n/);
  expect(verified.code).toBe(0);
});

test('run streams, answers SQL meanwhile, and drains on SIGINT', async () => {
  const running = start('run', 'weir.yaml');
  await expect.poll(() => running.stderr).toContain('pipeline opened');
  await sql("UPDATE orders SET note = 'changed' WHERE id <= 10; DELETE FROM orders WHERE id > 4990");
  await expect
    .poll(async () => await query("SELECT count(*) FROM public.orders WHERE note = 'changed'"), { timeout: 60_000 })
    .toEqual([['10']]);
  const url = /"url":"(http:[^"]+)"/.exec(running.stderr)![1]!;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(
    'weir_events_total{pipeline="shop",sink="warehouse",op="delete",table="public.orders"} 10',
  );
  const check = await weir('check', 'weir.yaml');
  expect(check).toMatchObject({ code: 0, stdout: expect.stringMatching(/ready to run\n$/) as string });
  const plan = await weir('plan', 'weir.yaml');
  expect(plan.code).toBe(0);
  expect(plan.stdout).toMatch(/public\.orders +public\.orders +use +3\n/);
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(0);
  expect(await query('SELECT count(*) FROM public.orders')).toEqual([['4990']]);
});

test('verify exits 1 and names the keys when the sides differ', async () => {
  await sql("UPDATE orders SET note = 'not delivered' WHERE id = 77");
  const { code, stdout, stderr } = await weir('verify', 'weir.yaml');
  expect(code).toBe(1);
  expect(stdout).toMatch(/public\.orders +4,990 +4,990 +DIFFERENT in note\n/);
  expect(stdout).toContain('(id=77)  different\n');
  expect(stderr).toMatch(/^WEIR_VERIFY_DIFFERENT\n/);
  const json = await weir('verify', 'weir.yaml', '--json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    equal: false,
    pipelines: [{ pipeline: 'shop', sinks: [{ sink: 'warehouse', equal: false, tables: [{ table: 'public.orders' }] }] }],
  });
});

test('a wrong password stops with its code and place, and shows nowhere (invariant 10)', async () => {
  const wrong = server.url.replace(/:[^:@]+@/, ':swordfish22@');
  expect(wrong).not.toBe(server.url);
  const { code, stdout, stderr } = await weirIn(folder.path, ['run', 'weir.yaml', '--verbose'], { DATABASE_URL: wrong });
  expect(code).toBe(3);
  expect(stderr).toContain('WEIR_PG_AUTH at weir.yaml:5:32 (pipelines.shop.source.postgres.url)');
  expect(stdout + stderr).not.toContain('swordfish22');
});

interface Plan {
  readonly ok: boolean;
  readonly pipelines: readonly { readonly grants: readonly string[]; readonly sinks: readonly object[] }[];
}

test('plan says delivery, losses, and the grants that are missing, as SQL that mends it', async () => {
  await sql("CREATE TABLE odd (id int PRIMARY KEY, big numeric); CREATE ROLE reader LOGIN PASSWORD 'secret'");
  folder.file('other.yaml', CONFIG.replace('  shop:', '  other:').replace('} }', ', tables: [public.odd] } }').replace('shop.duckdb', 'other.duckdb'));
  const env = { DATABASE_URL: Object.assign(new URL(server.url), { username: 'reader', password: 'secret' }).href };
  const plan = async (): Promise<Plan> => JSON.parse((await weirIn(folder.path, ['plan', 'other.yaml', '--json'], env)).stdout) as Plan;
  const first = await plan();
  expect(first.ok).toBe(false);
  const [{ sinks, grants }] = first.pipelines as [Plan['pipelines'][number]];
  expect(sinks).toMatchObject([
    {
      delivery: { class: 'A', mechanism: expect.any(String) as string, limit: expect.any(String) as string },
      tables: [{ columns: [{}, { column: 'big', sinkType: 'VARCHAR', note: expect.stringContaining('as text') as string }] }],
    },
  ]);
  expect(grants.slice(0, 2)).toEqual(['ALTER ROLE "reader" REPLICATION;', 'GRANT SELECT ON public.odd TO "reader";']);
  for (const grant of grants) await sql(grant);
  expect(await plan()).toMatchObject({ ok: true, pipelines: [{ grants: [] }] });
});
