import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { ApiClient } from '@weir/cli';
import type { SinkKind } from './schedule.ts';
import { ChaosServer } from './server.ts';
import { SmallDisk } from './small-disk.ts';

export type Row = Readonly<Record<string, string | null>>;

/** Where the mirror and the history of the bank are, in one database: schemas `public` and `history`. */
export interface ChaosSink extends AsyncDisposable {
  readonly kind: SinkKind;
  /** Null where the sink is a file. */
  readonly server: ChaosServer | null;
  /** Holds the sink's data; or why there is none that can be full. */
  readonly disk: SmallDisk | string;
  /** Its connector's block in the configuration. */
  readonly block: object;
  /**
   * Asks one statement, which sees one commit of the sink or another, while runners write.
   * @param state directory of the runner that is at work
   * @throws when nobody answers
   */
  ask(sql: string, state: string): Promise<Row[]>;
  /** The same while no runner has it open. */
  askAtRest(sql: string): Promise<Row[]>;
}

/** An answer that comes later than this is of no use, in ms. */
const ANSWER_MS = 3000;
const DISK_MEGABYTES = 8192;

export async function createSink(kind: SinkKind, folder: string): Promise<ChaosSink> {
  const disk = join(folder, 'disk');
  return kind === 'postgres' ? await postgresSink(disk) : duckdbSink(disk);
}

async function postgresSink(folder: string): Promise<ChaosSink> {
  const server = await ChaosServer.start();
  try {
    const { uid, gid } = statSync(server.directory);
    const disk = SmallDisk.mount(folder, DISK_MEGABYTES, { uid, gid });
    // The server's account has to get there.
    chmodSync(join(folder, '..'), 0o711);
    await server.ask('postgres', `CREATE TABLESPACE small LOCATION '${folder}'`);
    await server.ask('postgres', 'CREATE DATABASE mirror TABLESPACE small');
    return {
      kind: 'postgres',
      server,
      disk,
      block: { postgres: { url: server.proxiedUrl('mirror') } },
      ask: async (sql) => await server.ask('mirror', sql),
      askAtRest: async (sql) => await server.ask('mirror', sql),
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await unmount(disk);
      },
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function duckdbSink(folder: string): ChaosSink {
  const disk = SmallDisk.mount(folder, DISK_MEGABYTES, null);
  const path = join(folder, 'mirror.duckdb');
  return {
    kind: 'duckdb',
    server: null,
    disk,
    // Mirror and history share the file, and the limit of whichever opens it; replaying a long log takes more than 64 MiB.
    block: { duckdb: { path, memory_limit: '512MiB' } },
    async ask(sql, state) {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const running = await ApiClient.find(state, signal);
      if (running === null) throw new Error('no process answers');
      const { columns, rows } = await running.client.sql({ pipeline: 'bank', sink: 'mirror', sql, limit: 1000 }, signal);
      return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? null])));
    },
    async askAtRest(sql) {
      const instance = await DuckDBInstance.create(path);
      const connection = await instance.connect();
      try {
        // Every question asks for text.
        return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Row[];
      } finally {
        connection.closeSync();
        instance.closeSync();
      }
    },
    [Symbol.asyncDispose]: async () => await unmount(disk),
  };
}

async function unmount(disk: SmallDisk | string): Promise<void> {
  if (typeof disk !== 'string') await disk[Symbol.asyncDispose]();
}
