import { once } from 'node:events';
import { parseLsn, type Relation, type TableBinding } from '@weir/pgoutput';
import { Wire, connect } from '@weir/postgres';
import { secret, systemClock, type Batch, type Column, type Commit, type SchemaChange, type Table } from '@weir/sdk';
import { seeBatch, type SeenBatch, type SeenRow } from '@weir/testkit';
import { ChangeStream } from '../stream/change-stream.ts';
import type { ChangeStreamOptions } from '../stream/change-stream-options.ts';
import { boundaryPosition, commitPosition, positionLsn } from '../position.ts';
import type { StreamHost } from '../stream/stream-host.ts';
import { WalsenderReader, type WalsenderReaderOptions } from '../stream/walsender-reader.ts';
import type { TestDatabase } from './test-database.ts';

const never = new AbortController().signal;

/** A publication of everything and a slot, with a server that streams transactions from 64 kB on. Returns where it begins. */
export async function publishAll(database: TestDatabase): Promise<bigint> {
  await database.sql(`ALTER DATABASE ${database.name} SET logical_decoding_work_mem = '64kB'`);
  await database.sql(`CREATE PUBLICATION ${database.slot} FOR ALL TABLES`);
  return parseLsn(String(await database.value(`SELECT lsn FROM pg_create_logical_replication_slot('${database.slot}', 'pgoutput')`)));
}

/** Binds what is announced as it is, cells as text; a table that changed is learned, with a change of the kind `key`. */
export class LearningHost implements StreamHost {
  /** Names and columns, each time one was learned. */
  readonly learned: string[] = [];
  readonly #from: bigint;
  readonly #tables = new Map<number, { readonly announced: string; readonly binding: TableBinding }>();

  constructor(from: bigint) {
    this.#from = from;
  }

  begin({ commitLsn, transactionId, time }: Parameters<StreamHost['begin']>[0]): Commit | null {
    if (commitLsn < this.#from) return null;
    return { position: commitPosition(0, commitLsn), version: commitLsn, time, transactionId: String(transactionId) };
  }

  knows(relation: Relation): boolean {
    return this.#tables.get(relation.oid)?.announced === JSON.stringify(relation);
  }

  relation(relation: Relation): TableBinding {
    return this.#tables.get(relation.oid)!.binding;
  }

  async learn(relation: Relation): Promise<readonly SchemaChange[]> {
    await new Promise((resolve) => setImmediate(resolve));
    this.learned.push(`${relation.name}(${relation.columns.map(({ name }) => name).join(', ')})`);
    const before = this.#tables.get(relation.oid);
    const table = tableOf(relation, (before?.binding.table.version ?? 0) + 1);
    const binding = { table, rewrites: relation.columns.map(() => null), skip: false };
    this.#tables.set(relation.oid, { announced: JSON.stringify(relation), binding });
    return before === undefined ? [] : [{ table, change: 'key' }];
  }
}

function tableOf({ namespace, name, columns }: Relation, version: number): Table {
  const texts = columns.map((column): Column => {
    return { name: column.name, type: { kind: 'string' }, nullable: true, sourceType: 'text' };
  });
  return { namespace, name, version, columns: texts, key: columns.flatMap(({ isKey }, index) => (isKey ? [index] : [])) };
}

type Options = Partial<Pick<ChangeStreamOptions, 'spoolDirectory' | 'spoolBytes'> & Pick<WalsenderReaderOptions, 'protocol'>>;

/** A change stream of the test database's slot, pulled as fast as it gives or step by step. */
export class StreamReading implements AsyncDisposable {
  readonly stream: ChangeStream;
  readonly host: LearningHost;
  readonly seen: SeenBatch[] = [];
  readonly #database: TestDatabase;
  #wire: Wire;
  readonly #batches: AsyncGenerator<Batch>;

  private constructor(database: TestDatabase, wire: Wire, from: bigint, { protocol, ...options }: Options) {
    this.#database = database;
    this.#wire = wire;
    this.host = new LearningHost(from);
    this.stream = new ChangeStream({
      reader: new WalsenderReader({
        wire,
        reconnect: async () => (this.#wire = await replicationWire(database)),
        clock: systemClock,
        slot: database.slot,
        publications: [database.slot],
        protocol: protocol ?? { version: 4, streaming: true },
      }),
      clock: systemClock,
      from,
      host: this.host,
      checkpoint: (endLsn) => ({ position: boundaryPosition(0, endLsn), state: null }),
      ...options,
    });
    this.#batches = this.stream.batches(never);
  }

  static async open(database: TestDatabase, from: bigint, options: Options = {}): Promise<StreamReading> {
    return new StreamReading(database, await replicationWire(database), from, options);
  }

  get rows(): SeenRow[] {
    return this.seen.flatMap(({ rows }) => rows);
  }

  /** Of the last checkpoint seen. */
  get boundary(): bigint {
    return positionLsn(this.seen.findLast(({ checkpoint }) => checkpoint !== null)!.checkpoint!.position);
  }

  async next(): Promise<SeenBatch | null> {
    const result = await this.#batches.next();
    if (result.done === true) return null;
    const batch = seeBatch(result.value);
    result.value.release();
    this.seen.push(batch);
    return batch;
  }

  async until(wanted: (batch: SeenBatch) => boolean): Promise<void> {
    for (let batch = await this.next(); batch !== null; batch = await this.next()) if (wanted(batch)) return;
    throw new Error('the stream ended before what was waited for');
  }

  /** Pulls until the stream ends. */
  async untilEnd(): Promise<void> {
    while ((await this.next()) !== null);
  }

  /** Ends at what is committed now. Nobody has to pull yet. */
  async finishAtHead(): Promise<void> {
    const mark = "SELECT pg_logical_emit_message(false, 'test', 'head') AS lsn, pg_current_xact_id()";
    await this.#database.transaction('commit', async (client) => {
      const { rows } = await client.query<{ lsn: string }>(mark);
      this.stream.finishAt(parseLsn(rows[0]!.lsn));
    });
  }

  async untilHead(): Promise<void> {
    await this.finishAtHead();
    await this.untilEnd();
  }

  /** Cuts the connection, as a network does; resolves when the slot is free. */
  async cut(): Promise<void> {
    this.#wire.abandon();
    while ((await this.#database.value(`SELECT active FROM pg_replication_slots WHERE slot_name = $1`, [this.#database.slot])) === true) {
      await once(AbortSignal.timeout(10), 'abort');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire[Symbol.asyncDispose]();
    await this.#batches.return(undefined).catch(() => {});
  }
}

async function replicationWire(database: TestDatabase): Promise<Wire> {
  return new Wire(await connect({ url: secret.parse(database.url) }, never, { replication: true }), { gathers: true });
}
