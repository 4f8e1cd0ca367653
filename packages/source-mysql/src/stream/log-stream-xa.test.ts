import { EventEncoder, MysqlType } from '@weir/binlog/encoder';
import { EventType, type TableMap } from '@weir/binlog';
import { BatchWriter, RowCursor, systemClock, type Batch } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import type { MysqlState } from '../checkpoint-state.ts';
import { CapturedTables } from '../schema/captured-tables.ts';
import { LogTables } from '../schema/log-tables.ts';
import { eventPackets } from '../testing/packets.ts';
import { Peers } from '../testing/peer.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { PreparedTransactions } from '../xa/prepared-transactions.ts';
import { BinlogConnection } from './binlog-connection.ts';
import { EventStream } from './event-stream.ts';
import { LogProgress } from './log-progress.ts';
import { LogStream } from './log-stream.ts';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const FILE = 'binlog.000007';
const XID = "X'6a',X'',1";
const column = { meta: 0, nullable: true, name: null, unsigned: false, collation: null, values: null, detail: null };

function tableOf(name: string, tableId: number): TableMap {
  const columns = [
    { ...column, type: MysqlType.long, name: 'id', nullable: false },
    { ...column, type: MysqlType.blob, meta: 4, name: 'large', collation: 255 },
  ];
  return { tableId, database: 'shop', name, columns, primaryKey: [{ column: 0, prefix: 0 }], invisible: null };
}

const items = tableOf('items', 108);
const other = tableOf('other', 109);

const state: MysqlState = {
  v: 1,
  flavour: 'mysql',
  server: uuid,
  epoch: 0,
  copies: 0,
  gtids: `${uuid}:1-10`,
  file: FILE,
  offset: 4,
  tables: [
    {
      namespace: 'shop',
      name: 'items',
      reason: 'first',
      version: 1,
      columns: [
        { name: 'id', type: 'int', nullable: false },
        { name: 'large', type: 'longtext', nullable: true, charset: 'utf8mb4' },
      ],
      key: [0],
    },
  ],
};

/** A log as a server sends it. */
class Log {
  readonly events: Uint8Array[] = [];
  readonly #encoder: EventEncoder;
  #number = 10n;

  constructor(checksums = true) {
    this.#encoder = new EventEncoder({ checksums });
    if (checksums) this.events.push(this.#encoder.rotate(FILE, 4, { artificial: true }), this.#encoder.format());
  }

  gtid(): this {
    return this.#add(this.#encoder.gtid({ gtid: { uuid, tag: '', number: ++this.#number } }));
  }

  query(text: string): this {
    return this.#add(this.#encoder.query({ text }));
  }

  rows(table: TableMap, ids: readonly number[], bytes = 3): this {
    this.#add(this.#encoder.tableMap(table));
    for (const id of ids) {
      const key = Buffer.alloc(4);
      key.writeInt32LE(id);
      const large = Buffer.alloc(4 + bytes, 'x');
      large.writeUInt32LE(bytes);
      this.#add(this.#encoder.rows({ type: EventType.writeRows, tableId: table.tableId, columns: 2, rows: [{ after: [key, large] }], endsStatement: id === ids.at(-1) }));
    }
    return this;
  }

  transaction(id: number): this {
    return this.gtid().query('BEGIN').rows(items, [id]).#add(this.#encoder.xid());
  }

  prepare(): this {
    return this.#add(this.#encoder.xaPrepare(1, Buffer.from('j'), new Uint8Array(0)));
  }

  payload(log: Log): this {
    return this.#add(this.#encoder.payload(log.events));
  }

  #add(event: Uint8Array): this {
    this.events.push(event);
    return this;
  }
}

interface Reading extends AsyncDisposable {
  readonly stream: LogStream;
  readonly prepared: PreparedTransactions;
  readonly missed: () => number;
  /** The server sends the events up to so many. */
  readonly send: (count: number) => void;
}

async function reading(log: Log, folder: string | null): Promise<Reading> {
  const peers = await Peers.connected();
  const writer = new BatchWriter();
  const tables = new CapturedTables(state.tables, ['shop.items'], 'null');
  const prepared = new PreparedTransactions({ prepared: [], folder });
  const progress = new LogProgress(state);
  let missed = 0;
  const stream = new LogStream({
    events: new EventStream(new BinlogConnection(peers.client), writer, 0),
    writer,
    tables: new LogTables({
      tables,
      flavour: 'mysql',
      catalog: async () => await Promise.resolve(null),
      copyAgain: (table) => expect.fail(`${table.name} is copied again`),
      redefined: () => {},
      shaped: () => {},
      judge: () => null,
    }),
    progress,
    prepared,
    missed: () => missed++,
    clock: systemClock,
    checkpoint: () => progress.checkpoint({ copies: 0, tables: tables.states, prepared: prepared.state }),
    given: '',
  });
  const packets = eventPackets(log.events);
  let sent = 0;
  const send = (count: number): void => {
    for (const packet of packets.slice(sent, count)) peers.server.write(packet);
    sent = count;
  };
  const dispose = async (): Promise<void> => {
    await stream[Symbol.asyncDispose]();
    await peers[Symbol.asyncDispose]();
  };
  return { stream, prepared, missed: () => missed, send, [Symbol.asyncDispose]: dispose };
}

/** A batch, and what its checkpoint has in doubt: null without one. */
interface Seen {
  readonly ids: readonly number[];
  readonly bytes: number;
  readonly inDoubt: readonly string[] | null;
}

function see(batch: Batch): Seen {
  const ids: number[] = [];
  for (const { after } of new RowCursor(batch)) ids.push(Number(after.text(0)));
  const checkpoint = batch.checkpoint?.state as unknown as MysqlState | undefined;
  const seen = { ids, bytes: batch.data.length, inDoubt: checkpoint === undefined ? null : (checkpoint.prepared ?? []).map(({ xid }) => xid) };
  batch.release();
  return seen;
}

/** Pulls until so many rows have come, and a checkpoint behind them. */
async function seenOf({ stream }: Reading, rows: number): Promise<Seen[]> {
  const all: Seen[] = [];
  for (let count = 0; count < rows || all.at(-1)!.inDoubt === null; ) {
    const batch = await stream.next(new AbortController().signal, false);
    all.push(see(batch!));
    count += all.at(-1)!.ids.length;
  }
  return all;
}

const many = Array.from({ length: 40 }, (_, index) => 100 + index);

describe('an XA transaction of two phases in the log', () => {
  it('is given at its COMMIT, batch by batch as it is pulled, and what is behind it follows (invariant 8)', async () => {
    await using folder = await temporaryFolder();
    const log = new Log().gtid().query(`XA START ${XID}`).rows(items, many, 300_000).rows(other, many, 300_000).query(`XA END ${XID}`).prepare();
    const { length: committed } = log.transaction(1).events;
    log.gtid().query(`XA COMMIT ${XID}`).transaction(2).transaction(3);
    await using session = await reading(log, folder.path);
    let read = 0;
    const events = session.prepared.events.bind(session.prepared);
    session.prepared.events = async function* (file) {
      for await (const event of events(file)) {
        read++;
        yield event;
      }
    };
    session.send(committed);
    expect(await seenOf(session, 1)).toMatchObject([{ ids: [1], inDoubt: [XID] }]);
    session.send(log.events.length);
    const first = see((await session.stream.next(new AbortController().signal, false))!);
    expect(first.inDoubt).toBeNull();
    expect(read).toBeLessThan(10);
    const all = [first, ...(await seenOf(session, 42 - first.ids.length))];
    expect(all.flatMap(({ ids }) => ids)).toEqual([...many, 2, 3]);
    expect(Math.max(...all.map(({ bytes }) => bytes))).toBeLessThan(3 << 20);
    expect(all.at(-1)!.inDoubt).toEqual([]);
    expect(session.missed()).toBe(0);
  });

  it('comes out of compressed transactions', async () => {
    await using folder = await temporaryFolder();
    const inner = new Log(false).query(`XA START ${XID}`).rows(items, many, 100_000).query(`XA END ${XID}`).prepare();
    const log = new Log().gtid().payload(inner).transaction(1);
    const { length: committed } = log.events;
    log.gtid().query(`XA COMMIT ${XID}`).transaction(2);
    await using session = await reading(log, folder.path);
    session.send(committed);
    expect(await seenOf(session, 1)).toMatchObject([{ ids: [1], inDoubt: [XID] }]);
    session.send(log.events.length);
    expect((await seenOf(session, 41)).flatMap(({ ids }) => ids)).toEqual([...many, 2]);
  });

  it('that was prepared before is one that was missed', async () => {
    const log = new Log().transaction(1).gtid().query(`XA COMMIT ${XID}`).transaction(2);
    await using session = await reading(log, null);
    session.send(log.events.length);
    expect((await seenOf(session, 2)).flatMap(({ ids }) => ids)).toEqual([1, 2]);
    expect(session.missed()).toBe(1);
  });

  it('does not end a stream that is to end before it, as long as its events come', { timeout: 20_000 }, async () => {
    await using folder = await temporaryFolder();
    const log = new Log().transaction(1).gtid().query(`XA START ${XID}`).rows(items, [2]);
    await using session = await reading(log, folder.path);
    session.send(log.events.length);
    const [{ ids }] = (await seenOf(session, 1)) as [Seen];
    expect(ids).toEqual([1]);
    const abort = new AbortController();
    session.stream.until = { file: FILE, offset: 5 };
    const next = session.stream.next(abort.signal, false);
    // It waits for the rest instead of coming to an end in the middle.
    await expect(Promise.race([next.then(() => 'ended'), systemClock.sleep(100, new AbortController().signal).then(() => 'waits')])).resolves.toBe('waits');
    abort.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
  });
});
