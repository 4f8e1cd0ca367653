import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pipeline } from '@weir/engine';
import type { Sink, SinkSession } from '@weir/sdk';
import { temporaryPostgres } from '@weir/services';
import { duckdb } from '@weir/sink-duckdb';
import { postgres as postgresSink } from '@weir/sink-postgres';
import { postgres } from '@weir/source-postgres';
import pg from 'pg';
import { tiny } from './backlog.ts';
import { runNode } from './measured-process.ts';
import type { SinkName, Suite } from './suite.ts';
import type { Told } from './told.ts';

/** Transactions a second. */
const RATE = 1_000;
const WRITER = fileURLToPath(new URL('contenders/writer.ts', import.meta.url));

/** From the commit at the source to the commit at the sink, row by row. */
export const latency: Suite = {
  about: `from commit to durable in each sink, at ${RATE} transactions of one row a second`,
  rows: 20_000,
  quickRows: 3_000,
  runs: 3,
  async run({ rows, runs, sinks, log }) {
    const lines: Record<string, string>[] = [];
    for (let round = 0; round < runs; round++) {
      for (const sink of sinks) {
        log(`round ${round + 1} of ${runs}: ${sink}`);
        const { rate, millis } = await measure(sink, rows);
        const at = (share: number): string => millis[Math.min(millis.length - 1, Math.floor(millis.length * share))]!.toFixed(1);
        const shares = { 'p50 ms': at(0.5), 'p95 ms': at(0.95), 'p99 ms': at(0.99), 'most ms': millis.at(-1)!.toFixed(1) };
        lines.push({ sink, round: String(round + 1), 'transactions/s': rate.toFixed(0), ...shares });
      }
    }
    return { title: `latency: ${rows.toLocaleString('en')} transactions of one row`, lines };
  },
};

/** How long each transaction took, ascending, and how many were written in a second. */
async function measure(name: SinkName, transactions: number): Promise<{ rate: number; millis: number[] }> {
  await using server = await temporaryPostgres({ wal_level: 'logical' });
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    const { create, transactions: [sql] } = tiny(1);
    await client.query(create);
    await client.query('CREATE DATABASE mirror');
    const millis: number[] = [];
    const mirror = Object.assign(new URL(server.url), { pathname: '/mirror' }).href;
    const sink = name === 'duckdb' ? duckdb({ path: join(folder, 'mirror.duckdb') }) : postgresSink({ url: mirror });
    const source = postgres({ url: server.url, tables: ['public.orders'] }, { pipeline: 'latency' });
    await using pipeline = new Pipeline({ name: 'latency', source, sinks: { mirror: watched(sink, millis) } });
    const running = pipeline.run();
    while (pipeline.status().source.phase !== 'stream') await new Promise((resolve) => setTimeout(resolve, 20));
    const input = JSON.stringify({ url: server.url, sql, transactions, rate: RATE });
    const told = JSON.parse((await runNode(WRITER, [], { input })).stdout) as Told;
    pipeline.finishAt(await source.head(new AbortController().signal));
    await running;
    if (millis.length !== transactions) throw new Error(`${millis.length} of ${transactions} transactions arrived`);
    return { rate: transactions / told.seconds, millis: millis.toSorted((a, b) => a - b) };
  } finally {
    await client.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A sink that notes how old each transaction of one row is once it is durable, in ms. */
function watched(sink: Sink, millis: number[]): Sink {
  const open: Sink['open'] = async (shard, signal) => {
    const session = await sink.open(shard, signal);
    if (session.mode !== 'transactional') throw new Error('the sink is not of class A');
    return noting(session, millis);
  };
  return new Proxy(sink, { get: (target, name) => (name === 'open' ? open : bound(target, name)) });
}

function noting(session: Extract<SinkSession, { mode: 'transactional' }>, millis: number[]): SinkSession {
  /** When those that are not durable yet were committed at the source, in ms since 1970. */
  let waiting: number[] = [];
  const write: typeof session.write = async (batch) => {
    if (batch.chunk === null) for (const { time } of batch.commits) if (batch.rows > 0) waiting.push(time / 1000);
    await session.write(batch);
  };
  const commit: typeof session.commit = async (checkpoint) => {
    await session.commit(checkpoint);
    const now = performance.timeOrigin + performance.now();
    for (const at of waiting) millis.push(now - at);
    waiting = [];
  };
  return new Proxy(session, { get: (target, name) => (name === 'write' ? write : name === 'commit' ? commit : bound(target, name)) });
}

/** A member of an object with private fields, which a proxy has not. */
function bound(target: object, name: string | symbol): unknown {
  const value = Reflect.get(target, name, target) as unknown;
  return typeof value === 'function' ? value.bind(target) : value;
}
