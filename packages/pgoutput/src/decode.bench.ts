/**
 * How fast inserts of 8 cells become batches, beside two floors over the same bytes: a walk over the frames, and a walk over
 * the cells. Run: `node --conditions=@weir/source packages/pgoutput/src/decode.bench.ts`
 *
 * Time is the thread's CPU time, so that a busy machine disturbs less; medians, and the best round. As in a session the bytes
 * come in chunks of CopyData frames, are copied into the slab, and batches close at their limits.
 */
import { BatchWriter, type Commit } from '@weir/sdk';
import { PgoutputDecoder, type DecoderHost } from './decoder.ts';
import { encodeBegin, encodeCommit, encodeInsert, encodeRelation } from './message-encoder.ts';
import type { Relation } from './relation.ts';

const CELLS = 8;
const ROWS_PER_TRANSACTION = 1000;
const TRANSACTIONS = 200;
const ROWS = ROWS_PER_TRANSACTION * TRANSACTIONS;
const CHUNK_BYTES = 65_536;
const ROUNDS = 9;
/** Tag and length of CopyData, then `w`, two LSNs and a time: postgresql.org/docs/current/protocol-replication.html */
const FRAME_HEADER = 5;
const WAL_HEADER = 25;

const relation: Relation = {
  oid: 16_384,
  namespace: 'public',
  name: 'orders',
  replicaIdentity: 'd',
  columns: Array.from({ length: CELLS }, (_, column) => ({
    name: `column_${column}`,
    typeOid: 25,
    typeModifier: -1,
    isKey: column === 0,
  })),
};

function stream(): Uint8Array {
  const frames: Uint8Array[] = [];
  const add = (message: Uint8Array): void => {
    const frame = new Uint8Array(FRAME_HEADER + WAL_HEADER + message.length);
    frame[0] = 0x64;
    new DataView(frame.buffer).setUint32(1, frame.length - 1);
    frame[FRAME_HEADER] = 0x77;
    frame.set(message, FRAME_HEADER + WAL_HEADER);
    frames.push(frame);
  };
  for (let transaction = 1; transaction <= TRANSACTIONS; transaction++) {
    const lsn = { commitLsn: BigInt(transaction) << 20n, time: 1_700_000_000_000_000 + transaction };
    add(encodeBegin({ ...lsn, transactionId: transaction }));
    if (transaction === 1) add(encodeRelation(relation));
    for (let row = 0; row < ROWS_PER_TRANSACTION; row++) add(encodeInsert(relation.oid, cells(transaction * 1000 + row)));
    add(encodeCommit({ ...lsn, endLsn: lsn.commitLsn + 48n }));
  }
  return Buffer.concat(frames);
}

/** About a hundred bytes of an order, of the usual types. */
function cells(id: number): (string | null)[] {
  const time = `2025-03-${String(1 + (id % 28)).padStart(2, '0')} 12:34:56.789012+00`;
  return [`${id}`, `${id % 977}`, 'shipped', `${id % 500}.99`, time, null, 't', `note on order ${id}`];
}

function uint32(data: Uint8Array, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}

/** Floor: the frames only. Returns how many there are. */
function walkFrames(bytes: Uint8Array): number {
  let frames = 0;
  for (let at = 0; at < bytes.length; at += 1 + uint32(bytes, at + 1)) frames++;
  return frames;
}

/** Floor: frames and the cells of inserts, each length read, nothing written. Returns the bytes of all cells. */
function walkCells(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1 + uint32(bytes, at + 1)) {
    let cell = at + FRAME_HEADER + WAL_HEADER;
    if (bytes[cell] !== 0x49) continue;
    cell += 8;
    for (let column = 0; column < CELLS; column++) {
      if (bytes[cell++] !== 0x74) continue;
      const length = uint32(bytes, cell);
      sum += length;
      cell += 4 + length;
    }
  }
  return sum;
}

/** What a source does: chunk into the slab, decode its whole messages, close a full batch and keep the incomplete rest. */
function decodeAll(bytes: Uint8Array, writer: BatchWriter, decoder: PgoutputDecoder): number {
  let rows = 0;
  let next = 0;
  const close = (): void => {
    const batch = writer.close(null, { keepFrom: next });
    rows += batch.rows;
    batch.release();
    next = 0;
  };
  for (let offset = 0; offset < bytes.length; offset += CHUNK_BYTES) {
    writer.append(bytes.subarray(offset, offset + CHUNK_BYTES));
    while (writer.used - next >= FRAME_HEADER) {
      const end = next + 1 + uint32(writer.data, next + 1);
      if (end > writer.used) break;
      decoder.decode(writer, next + FRAME_HEADER + WAL_HEADER, end);
      next = end;
      if (writer.isFull(next)) close();
    }
  }
  close();
  return rows;
}

const commit: Commit = { position: '0', version: 1n, time: 0, transactionId: '1' };
const string = { type: { kind: 'string' }, nullable: true, sourceType: 'text' } as const;
const columns = relation.columns.map(({ name }) => ({ name, ...string }));
const host: DecoderHost = {
  relation: ({ namespace, name }) => ({
    table: { namespace, name, version: 1, columns, key: [0] },
    rewrites: columns.map(() => null),
    skip: false,
  }),
  begin: () => commit,
  commit: () => {},
};

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function nanosecondsPerRow(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return ((user + system) * 1000) / ROWS;
}

const bytes = stream();
const writer = new BatchWriter();
const decoder = new PgoutputDecoder(host);
const decoded = decodeAll(bytes, writer, decoder);
if (decoded !== ROWS || walkFrames(bytes) !== ROWS + TRANSACTIONS * 2 + 1) throw new Error(`${decoded} of ${ROWS} rows`);

const samples = { frames: [] as number[], cells: [] as number[], decode: [] as number[] };
for (let round = 0; round < ROUNDS + 3; round++) {
  const frames = nanosecondsPerRow(() => walkFrames(bytes));
  const walked = nanosecondsPerRow(() => walkCells(bytes));
  const decode = nanosecondsPerRow(() => decodeAll(bytes, writer, decoder));
  // The first rounds warm up.
  if (round < 3) continue;
  samples.frames.push(frames);
  samples.cells.push(walked);
  samples.decode.push(decode);
}

console.log(`${ROWS} inserts of ${CELLS} cells, ${(bytes.length / ROWS).toFixed(0)} bytes a row, median of ${ROUNDS}`);
const decodeMedian = median(samples.decode);
for (const [name, values] of Object.entries(samples)) {
  const ns = median(values);
  const speed = `${(1000 / ns).toFixed(1).padStart(6)} M rows/s ${ns.toFixed(1).padStart(7)} ns/row`;
  const best = `best ${Math.min(...values).toFixed(1).padStart(6)}`;
  console.log(`${name.padEnd(7)}${speed}   ${best}   decode ÷ this ${(decodeMedian / ns).toFixed(2)}`);
}
