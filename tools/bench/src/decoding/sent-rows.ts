import type { Relation } from '@weir/pgoutput';
import { encodeBegin, encodeCommit, encodeInsert, encodeRelation } from '@weir/pgoutput/encoder';

const ROWS_PER_TRANSACTION = 1000;
const COPY_DATA = 0x64;
const XLOG_DATA = 0x77;
/** Tag and length of CopyData, then `w`, two LSNs and a time: postgresql.org/docs/current/protocol-replication.html */
export const FRAME_HEADER = 5;
export const WAL_HEADER = 25;

type Cell = string | null;

/** A row of some number of columns, as a server would send it. */
export interface RowShape {
  readonly name: string;
  readonly columns: number;
  cells(id: number): Cell[];
}

const time = (id: number): string => `2025-03-${String(1 + (id % 28)).padStart(2, '0')} 12:34:56.789012+00`;

/** About a hundred bytes of an order, of the usual types. */
export const narrow: RowShape = {
  name: '8 columns',
  columns: 8,
  cells: (id) => [`${id}`, `${id % 977}`, 'shipped', `${id % 500}.99`, time(id), null, 't', `note on order ${id}`],
};

/** What the cells of a wide row hold, over and over. */
const kinds: readonly ((id: number, column: number) => Cell)[] = [
  (id, column) => `${id + column}`,
  (id, column) => `text ${id % 997} of column ${column}`,
  (id) => `${id % 5000}.125`,
  time,
  (id, column) => `{"order": ${id}, "of": ${column}}`,
  (id, column) => (column % 2 === 0 ? null : id % 2 === 0 ? 't' : 'f'),
];

export const wide: RowShape = {
  name: '60 columns',
  columns: 60,
  cells: (id) => Array.from({ length: 60 }, (_, column) => kinds[column % kinds.length]!(id, column)),
};

export function relationOf({ columns }: RowShape): Relation {
  const names = Array.from({ length: columns }, (_, column) => `column_${column}`);
  return {
    oid: 16_384,
    namespace: 'public',
    name: 'orders',
    replicaIdentity: 'd',
    columns: names.map((name, column) => ({ name, typeOid: 25, typeModifier: -1, isKey: column === 0 })),
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
    for (; row < end; row++) frames.push(framed(encodeInsert(relation.oid, shape.cells(row))));
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
