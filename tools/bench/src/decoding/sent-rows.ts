import type { Relation } from '@weir/pgoutput';
import { encodeBegin, encodeCommit, encodeInsert, encodeRelation } from '@weir/pgoutput/encoder';
import { date, datetime, decimal, double, integer, label, text, timestamp, type SentColumn } from './sent-columns.ts';

const ROWS_PER_TRANSACTION = 1000;
const COPY_DATA = 0x64;
const XLOG_DATA = 0x77;
/** Tag and length of CopyData, then `w`, two LSNs and a time: postgresql.org/docs/current/protocol-replication.html */
export const FRAME_HEADER = 5;
export const WAL_HEADER = 25;

/** A table, and what its rows hold. */
export interface RowShape {
  readonly name: string;
  readonly columns: readonly SentColumn[];
}

const time = (id: number): string => `2025-03-${String(1 + (id % 28)).padStart(2, '0')} 12:34:56.789012+00`;

/** About a hundred bytes of an order, of the usual types, but as text. */
export const narrow: RowShape = {
  name: '8 texts',
  columns: [
    text((id) => `${id}`),
    text((id) => `${id % 977}`),
    text(() => 'shipped'),
    text((id) => `${id % 500}.99`),
    text(time),
    text(() => null),
    text(() => 't'),
    text((id) => `note on order ${id}`),
  ],
};

/** What the cells of a wide row hold, over and over. */
const kinds: readonly ((id: number, column: number) => string | null)[] = [
  (id, column) => `${id + column}`,
  (id, column) => `text ${id % 997} of column ${column}`,
  (id) => `${id % 5000}.125`,
  time,
  (id, column) => `{"order": ${id}, "of": ${column}}`,
  (id, column) => (column % 2 === 0 ? null : id % 2 === 0 ? 't' : 'f'),
];

export const wide: RowShape = {
  name: '60 texts',
  columns: Array.from({ length: 60 }, (_, column) => text((id) => kinds[column % kinds.length]!(id, column))),
};

/** 2025-01-01 */
const START = 1_735_689_600_000;
const DAY = 86_400_000;

/** The order of `narrow` with a type for each column: what most tables look like. Orders come seconds after each other. */
export const typed: RowShape = {
  name: '10 types',
  columns: [
    integer(8, (id) => 1_000_000 + id),
    integer(4, (id) => (id * 7919) % 100_003),
    integer(2, (id) => id % 120),
    label(['new', 'paid', 'shipped', 'returned'], (id) => id % 4),
    decimal(12, 2, (id) => BigInt((id * 7919) % 1_000_003)),
    timestamp(6, (id) => START + id * 7001),
    datetime(0, (id) => (id % 3 === 0 ? null : START + 2 * DAY + id * 7001)),
    date((id) => START + (id % 30) * DAY),
    double((id) => (id % 5000) / 8),
    text((id) => `note on order ${id}`),
  ],
};

/** Eight columns of one kind, of few digits and of many. */
export const ofOneKind: readonly RowShape[] = [
  {
    name: '8 integers',
    columns: Array.from({ length: 8 }, (_, column) =>
      integer(column % 2 === 0 ? 8 : 4, (id) => (column < 4 ? 1 : -1) * ((id * 7919) % 10 ** (column + 2)) * (column % 2 === 0 ? 1000 : 1)),
    ),
  },
  {
    name: '8 decimals',
    columns: Array.from({ length: 8 }, (_, column) =>
      decimal(10 + 4 * column, 2 + (column % 3) * 2, (id) => BigInt((id * 7919) % 1_000_003) * (column < 4 ? 1n : -(10n ** BigInt(column * 2)))),
    ),
  },
  {
    name: '8 doubles',
    columns: Array.from({ length: 8 }, (_, column) => double((id) => (column < 6 ? ((id * 7919) % 1_000_003) / 10 ** (column % 4) : id / (7 + column)))),
  },
  {
    // Days in no order, up to what 32 bits of seconds can hold.
    name: '8 times',
    columns: [
      timestamp(0, (id) => START + ((id * 7919) % 20_011) * 86_413_000),
      timestamp(3, (id) => START + ((id * 6007) % 100_003) * 864_131),
      timestamp(6, (id) => START + ((id * 7919) % 100_003) * 8_641_317),
      datetime(0, (id) => START + ((id * 6007) % 100_003) * 86_413_000),
      datetime(3, (id) => START + ((id * 7919) % 100_003) * 864_131),
      datetime(6, (id) => START + ((id * 6007) % 100_003) * 8_641_317),
      date((id) => START + ((id * 7919) % 10_007) * DAY),
      date((id) => START + ((id * 6007) % 10_007) * DAY),
    ],
  },
];

export function relationOf({ columns }: RowShape): Relation {
  return {
    oid: 16_384,
    namespace: 'public',
    name: 'orders',
    replicaIdentity: 'd',
    columns: columns.map(({ postgres: { oid, modifier } }, column) => ({
      name: `column_${column}`,
      typeOid: oid,
      typeModifier: modifier,
      isKey: column === 0,
    })),
  };
}

/** Inserts in transactions of a thousand rows, each message in a frame of its own, as a WAL sender sends them. */
export function sentRows(shape: RowShape, rows: number): Uint8Array {
  const relation = relationOf(shape);
  const frames = [framed(encodeRelation(relation))];
  for (let row = 0; row < rows; ) {
    const commitLsn = BigInt(row + 1) << 20n;
    const at = { commitLsn, time: 1_700_000_000_000_000 + row };
    const end = Math.min(rows, row + ROWS_PER_TRANSACTION);
    frames.push(framed(encodeBegin({ ...at, transactionId: row + 1 })));
    for (; row < end; row++) frames.push(framed(encodeInsert(relation.oid, shape.columns.map((column) => column.text(row)))));
    frames.push(framed(encodeCommit({ ...at, endLsn: commitLsn + 48n })));
  }
  return Buffer.concat(frames);
}

function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER + WAL_HEADER + message.length);
  frame[0] = COPY_DATA;
  new DataView(frame.buffer).setUint32(1, frame.length - 1);
  frame[FRAME_HEADER] = XLOG_DATA;
  frame.set(message, FRAME_HEADER + WAL_HEADER);
  return frame;
}
