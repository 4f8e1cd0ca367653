import { BinlogDecoder, payloadEvents, type BinlogHost, type LogPosition, type Payload, type TableMap, type TransactionEnd } from '@weir/binlog';
import { connect, type ConnectionConfig } from '@weir/mysql';
import { BatchWriter, Op, type Batch } from '@weir/sdk';
import { bindTable } from '../capture/bind-table.ts';
import { readCatalog } from '../capture/catalog.ts';
import { shapeOf, type TableShape } from '../capture/table-shape.ts';
import type { Flavour } from '../checkpoint-state.ts';
import { commitPosition, commitVersion } from '../position.ts';
import { BinlogConnection } from '../stream/binlog-connection.ts';
import type { LogStart } from '../stream/dump-request.ts';
import { EventStream } from '../stream/event-stream.ts';
import { replicaIdentity } from '../stream/replica-identity.ts';

const signal = new AbortController().signal;

export interface LogReading {
  readonly config: ConnectionConfig;
  readonly flavour: Flavour;
  readonly start: LogStart;
  /** Rows of tables of this database are read. */
  readonly database: string;
  /** Names the replica; every reading has its own where it is not given. */
  readonly pipeline?: string;
  readonly heartbeatMs?: number;
}

let readings = 0;

export async function openStream(reading: LogReading, writer: BatchWriter): Promise<EventStream> {
  const { config, flavour, start, pipeline = `reading-${process.pid}-${readings++}`, heartbeatMs = 1000 } = reading;
  const request = { flavour, identity: replicaIdentity(pipeline, null), start, heartbeatMs };
  return new EventStream(await BinlogConnection.open(config, request, signal), writer);
}

/** What was read: `table op cell|cell`, and where the last transaction ended. */
export interface Read {
  readonly rows: readonly string[];
  readonly ends: readonly TransactionEnd[];
  readonly heartbeats: readonly LogPosition[];
  /** Compressed events. */
  readonly payloads: number;
}

/** Reads on until rows of the database are there, or what else is asked for. */
export async function readLog(reading: LogReading, isEnough: (read: Read) => boolean): Promise<Read> {
  const shapes = await readShapes(reading);
  const writer = new BatchWriter();
  await using stream = await openStream(reading, writer);
  const read = { rows: [] as string[], ends: [] as TransactionEnd[], heartbeats: [] as LogPosition[], payloads: 0 };
  let payload: Payload | null = null;
  const host: BinlogHost = {
    tableMap: (map: TableMap) => {
      const shape = map.database === reading.database ? shapes.get(map.name) : undefined;
      return shape === undefined ? null : bindTable(map, shape, reading.flavour, 'null');
    },
    begin: ({ start, time }) => ({ position: commitPosition(0, start), version: commitVersion(0, start), time, transactionId: '' }),
    statement: () => {},
    commit: (end) => {
      read.ends.push(end);
      const batch = stream.close(null);
      read.rows.push(...textsOf(batch));
      batch.release();
    },
    payload: (each) => {
      payload = each;
      read.payloads++;
    },
    heartbeat: (position) => read.heartbeats.push(position),
  };
  const decoder = new BinlogDecoder(host);
  const decodePayload = async (due: Payload): Promise<void> => {
    const bytes = writer.data.slice(due.start, due.end);
    stream.hold();
    for await (const event of payloadEvents(due, bytes)) {
      const start = writer.append(event);
      decoder.decodeInner(writer, start, writer.used);
    }
    stream.release();
  };
  for (;;) {
    while (stream.next()) {
      decoder.decode(writer, stream.start, stream.end);
      if (payload !== null) await decodePayload(payload);
      payload = null;
      if (isEnough(read)) return read;
    }
    await stream.more();
  }
}

async function readShapes({ config, database }: LogReading): Promise<Map<string, TableShape>> {
  const client = await connect(config, signal);
  try {
    const tables = await readCatalog(client, [`${database}.*`]);
    return new Map(tables.map((table) => [table.name, shapeOf(table, 'null')]));
  } finally {
    await client.close();
  }
}

function textsOf(batch: Batch): string[] {
  return Array.from({ length: batch.rows }, (_, row) => {
    const table = batch.tables[batch.table[row]!]!;
    const image = batch.op[row] === Op.delete ? batch.before[row]! : batch.after[row]!;
    const cells = table.columns.map((_column, column) => {
      const length = batch.length[image + column]!;
      const start = batch.start[image + column]!;
      return length < 0 ? 'NULL' : Buffer.from(batch.data.subarray(start, start + length)).toString();
    });
    return `${table.name} ${OP_NAMES[batch.op[row]!]} ${cells.join('|')}`;
  });
}

const OP_NAMES: Readonly<Record<number, string>> = { [Op.insert]: 'insert', [Op.update]: 'update', [Op.delete]: 'delete' };
