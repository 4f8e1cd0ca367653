import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { PipelineStatus } from '@weir/engine';
import { WeirError, type Sink } from '@weir/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HttpAddress } from '../config/config.ts';
import { FakeSink, FakeSource, ordersTable } from '../connectors.fake.ts';
import { TestFolder } from '../folder.fake.ts';
import { NOW, pipelineStatus, sinkStatus } from '../status.fake.ts';
import { ApiClient } from './client.ts';
import type { CopyRequest } from './copies.ts';
import type { ApiHost, Copies } from './host.ts';
import { serveApi, type ApiServer } from './serve.ts';
import { findSocketPath } from './socket-path.ts';

class FakeHost implements ApiHost {
  readonly env = {};
  readonly copied: object[] = [];
  readonly source = new FakeSource(0);
  /** What the copies wait for. */
  done: Promise<void> = Promise.resolve();
  pipelines: PipelineStatus[] = [pipelineStatus()];
  readonly byPipeline = new Map<string, ReadonlyMap<string, Sink>>([['shop', new Map([['warehouse', new FakeSink()]])]]);

  status() {
    return { at: NOW, pid: process.pid, startedAt: NOW - 1000, pipelines: this.pipelines };
  }

  sinks(pipeline: string) {
    return this.byPipeline.get(pipeline);
  }

  copies(pipeline: string): Copies | undefined {
    if (!this.byPipeline.has(pipeline)) return undefined;
    const begin = async (tables: readonly string[], how: string) => {
      this.copied.push({ pipeline, tables, how });
      return { done: this.done };
    };
    return { source: this.source, begin };
  }
}

const anyPort: HttpAddress = { host: '127.0.0.1', port: 0 };
const place = () => ({ file: 'weir.yaml', line: 2, column: 7 });
let folder: TestFolder;
let host: FakeHost;

beforeEach(() => {
  folder = new TestFolder();
  host = new FakeHost();
});
afterEach(() => folder[Symbol.dispose]());

function serve(stateDirectory: string = folder.path, http: HttpAddress | null = null): Promise<ApiServer> {
  return serveApi({ stateDirectory, http, place }, host);
}

describe('the Unix socket', () => {
  test('is for this user alone, and goes away with the server', async () => {
    const server = await serve();
    expect(server.socketPath).toBe(join(folder.path, 'weir.sock'));
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o600);
    expect((await ApiClient.find(folder.path))?.status).toEqual(host.status());
    await server[Symbol.asyncDispose]();
    expect(findSocketPath(folder.path)).toBeNull();
    expect(await ApiClient.find(folder.path)).toBeNull();
  });

  test('of a dead process is replaced, and until then nobody answers there', async () => {
    const socket = join(folder.path, 'weir.sock');
    const child = await import('node:child_process');
    const die = "process.kill(process.pid, 'SIGKILL')";
    const listen = `require('net').createServer().listen(${JSON.stringify(socket)}, () => ${die})`;
    child.spawnSync(process.execPath, ['-e', listen]);
    expect(findSocketPath(folder.path)).toBe(socket);
    expect(await ApiClient.find(folder.path)).toBeNull();
    await using _ = await serve();
    expect(await ApiClient.find(folder.path)).not.toBeNull();
  });

  test('has another place when the state directory is too deep for one', async () => {
    const deep = join(folder.path, 'd'.repeat(60), 'e'.repeat(60));
    {
      await using server = await serve(deep);
      expect(server.socketPath.length).toBeLessThanOrEqual(100);
      expect(findSocketPath(deep)).toBe(server.socketPath);
      expect(await ApiClient.find(deep)).not.toBeNull();
    }
    expect(findSocketPath(deep)).toBeNull();
  });

  test('ends with connections open', async () => {
    const server = await serve();
    const connection = connect(server.socketPath);
    await new Promise((resolve) => connection.once('connect', resolve));
    const closed = new Promise((resolve) => connection.once('close', resolve));
    await server[Symbol.asyncDispose]();
    await expect(closed).resolves.toBe(false);
  });
});

describe('SQL', () => {
  const ask = async (query: object) => {
    await using _ = await serve();
    const found = await ApiClient.find(folder.path);
    return await found!.client.sql(query as Parameters<ApiClient['sql']>[0]);
  };

  test('is answered by the sink', async () => {
    expect(await ask({ sink: 'warehouse', sql: 'select 1', limit: 5 })).toEqual({
      columns: ['sql', 'limit'],
      rows: [['select 1', '5']],
      truncated: false,
    });
  });

  test.each([
    [
      { sink: 'warehous', sql: 'select 1' },
      { code: 'WEIR_API_REQUEST', message: 'there is no sink warehous', fix: 'Name one of: warehouse (pipeline shop).' },
    ],
    [{ sink: 'warehouse', pipeline: 'x', sql: 'select 1' }, { message: 'there is no sink warehouse in pipeline x' }],
    [{ sink: 'warehouse' }, { code: 'WEIR_API_REQUEST', message: expect.stringMatching(/^sql: /) as string }],
    [
      { sink: 'warehouse', sql: 'select 1', limit: 0 },
      { code: 'WEIR_API_REQUEST', message: expect.stringMatching(/^limit: /) as string },
    ],
    [{ sink: 'warehouse', sql: 'x'.repeat(2 ** 21) }, { code: 'WEIR_API_REQUEST' }],
  ])('%#: refused', async (query, expected) => {
    await expect(ask(query)).rejects.toMatchObject(expected);
  });

  test('needs the pipeline where two have a sink of that name', async () => {
    host.pipelines.push(pipelineStatus({ name: 'other' }));
    host.byPipeline.set('other', new Map([['warehouse', new FakeSink()]]));
    await expect(ask({ sink: 'warehouse', sql: 'select 1' })).rejects.toMatchObject({
      fix: 'Say which with --pipeline: shop, other.',
    });
    expect((await ask({ sink: 'warehouse', pipeline: 'other', sql: 'select 2' })).rows).toEqual([['select 2', '1000']]);
  });

  test('is not served over HTTP', async () => {
    await using server = await serve(folder.path, anyPort);
    const response = await fetch(`${server.httpUrl}/v1/sql`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      error: { code: 'WEIR_API_REQUEST', message: 'there is no POST /v1/sql here' },
    });
  });
});

describe('copies', () => {
  const ask = async (body: Partial<CopyRequest>) => {
    await using _ = await serve();
    const found = await ApiClient.find(folder.path);
    return await found!.client.copy(body as CopyRequest);
  };

  test('answers when the copy has begun, or when it is done', async () => {
    const request = { tables: ['public.orders', 'public.orders'], how: 'anew' } as const;
    const tables = ['public.orders'];
    expect(await ask(request)).toEqual({ pipeline: 'shop', how: 'anew', tables, leftOut: [], done: false });
    expect(host.copied).toEqual([{ pipeline: 'shop', tables, how: 'anew' }]);
    expect(await ask({ ...request, wait: true })).toMatchObject({ done: true });
    host.done = Promise.reject(new WeirError('WEIR_NOT_RUNNING', 'it ended'));
    host.done.catch(() => {});
    expect(await ask(request)).toMatchObject({ done: false });
    await expect(ask({ ...request, wait: true })).rejects.toMatchObject({ code: 'WEIR_NOT_RUNNING', message: 'it ended' });
  });

  test('without tables: all that can be copied so; the others are named', async () => {
    host.source.tables = [ordersTable, { ...ordersTable, name: 'log', key: [] }];
    expect(await ask({ how: 'in-place' })).toMatchObject({
      tables: ['public.orders'],
      leftOut: [{ table: 'public.log', why: expect.stringContaining('weir resync') as string }],
    });
    expect(await ask({ how: 'anew' })).toMatchObject({ tables: ['public.orders', 'public.log'], leftOut: [] });
    host.source.tables = [];
    expect(await ask({ how: 'anew' })).toMatchObject({ tables: [], done: true });
    expect(host.copied).toHaveLength(2);
  });

  test('needs the pipeline where several run, and one that runs', async () => {
    await expect(ask({ how: 'anew', pipeline: 'x' })).rejects.toMatchObject({
      code: 'WEIR_NOT_RUNNING',
      message: 'the process that runs does not run the pipeline x',
    });
    host.pipelines.push(pipelineStatus({ name: 'other' }));
    await expect(ask({ how: 'anew' })).rejects.toMatchObject({ fix: 'Say which with --pipeline: shop, other.' });
    await expect(ask({ how: 'over' as 'anew' })).rejects.toMatchObject({ code: 'WEIR_API_REQUEST' });
  });

  test('is not served over HTTP, nor are questions about files', async () => {
    await using server = await serve(folder.path, anyPort);
    for (const path of ['copies', 'check', 'plan', 'verify']) {
      const response = await fetch(`${server.httpUrl}/v1/${path}`, { method: 'POST' });
      expect(response.status).toBe(404);
    }
  });

  test('a process that ends meanwhile is told as such', async () => {
    const server = await serve();
    host.done = new Promise(() => {});
    const found = await ApiClient.find(folder.path);
    const asked = found!.client.copy({ tables: ['public.orders'], how: 'anew', wait: true });
    await expect.poll(() => host.copied).toHaveLength(1);
    await server[Symbol.asyncDispose]();
    await expect(asked).rejects.toMatchObject({ code: 'WEIR_NOT_RUNNING' });
  });
});

describe('HTTP', () => {
  const get = async (path: string) => {
    await using server = await serve(folder.path, anyPort);
    const response = await fetch(server.httpUrl + path);
    return { status: response.status, text: await response.text() };
  };

  test('status and liveness', async () => {
    expect(JSON.parse((await get('/v1/status')).text)).toEqual(host.status());
    expect(await get('/livez')).toEqual({ status: 200, text: '{"live":true}' });
  });

  test.each([
    ['running', 'stream', 200],
    ['running', 'snapshot', 200],
    ['running', 'connecting', 503],
    ['starting', 'connecting', 503],
    ['retrying', 'stream', 503],
    ['draining', 'stream', 503],
  ] as const)('%s, %s: /readyz answers %i', async (state, phase, status) => {
    host.pipelines = [
      pipelineStatus(),
      pipelineStatus({ name: 'b', state, source: { phase, snapshot: [], lagBytes: null } }),
    ];
    const answer = await get('/readyz');
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toEqual({ ready: status === 200, pipelines: { shop: 'running', b: state } });
  });

  test('metrics', async () => {
    const stoppedTables = [{ table: 'public.a', code: 'WEIR_SINK_TYPE', message: 'no such type' } as const];
    const warehouse = sinkStatus({ schemaChangeTotals: { add: { apply: 2 }, 'drop-table': { ignore: 1 } }, stoppedTables });
    host.pipelines = [
      pipelineStatus({ sinks: { warehouse }, source: { phase: 'stream', snapshot: [], lagBytes: 1229, isCatchingUp: true } }),
      pipelineStatus({ name: 'b', state: 'retrying', sinks: { w: sinkStatus({ lagMs: null, commits: 0 }) } }),
    ];
    const { text } = await get('/metrics');
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples).toEqual(
      expect.arrayContaining([
        'weir_rows_in_total{pipeline="shop",sink="warehouse"} 1250',
        'weir_rows_delivered_total{pipeline="shop",sink="warehouse"} 1234',
        'weir_rows_filtered_total{pipeline="shop",sink="warehouse",transform=""} 0',
        'weir_rows_skipped_total{pipeline="shop",sink="warehouse"} 3',
        'weir_rows_replayed_total{pipeline="shop",sink="warehouse"} 2',
        'weir_rows_same_total{pipeline="shop",sink="warehouse"} 0',
        'weir_dead_letters_total{pipeline="shop",sink="warehouse"} 0',
        'weir_events_total{pipeline="shop",sink="warehouse",op="insert",table="public.orders"} 966',
        'weir_schema_changes_total{pipeline="shop",sink="warehouse",change="add",action="apply"} 2',
        'weir_schema_changes_total{pipeline="shop",sink="warehouse",change="drop-table",action="ignore"} 1',
        'weir_stopped_tables{pipeline="shop",sink="warehouse"} 1',
        'weir_stopped_tables{pipeline="b",sink="w"} 0',
        'weir_lag_seconds{pipeline="shop",sink="warehouse"} 0.042',
        'weir_lag_bytes{pipeline="shop",sink="warehouse"} 1229',
        'weir_slot_retained_bytes{pipeline="shop",sink="warehouse"} 1229',
        'weir_catching_up{pipeline="shop",sink="warehouse"} 1',
        'weir_queue_bytes{pipeline="shop",sink="warehouse"} 0',
        'weir_checkpoint_seconds{pipeline="shop",sink="warehouse"} 0.008',
        'weir_up{pipeline="shop",sink="warehouse"} 1',
        'weir_up{pipeline="b",sink="w"} 0',
      ]),
    );
    expect(samples.filter((line) => line.startsWith('weir_lag_seconds'))).toHaveLength(1);
  });

  test('a port that is taken is an error with its place', async () => {
    await using server = await serve(join(folder.path, 'a'), anyPort);
    const port = Number(new URL(server.httpUrl!).port);
    await expect(serve(join(folder.path, 'b'), { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'WEIR_HTTP_LISTEN',
      message: `http://127.0.0.1:${port} cannot be served: another process listens there`,
      place: { line: 2, column: 7 },
    });
    expect(findSocketPath(join(folder.path, 'b'))).toBeNull();
  });
});
