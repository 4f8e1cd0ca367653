import { BinlogDecoder, type BinlogHost, type CellDecoder } from '@weir/binlog';
import { BatchWriter, type Commit } from '@weir/sdk';
import { LENGTH_BYTES, PACKET_HEADER, PACKET_STATUS, tableOf } from './sent-log.ts';
import type { RowShape } from './sent-rows.ts';

const CHUNK_BYTES = 65_536;

/** A VARCHAR, whose bytes are the cell as they are: what a value costs at least. */
const textCell: CellDecoder = {
  write(data, at, _end, writer) {
    const length = data[at]! | (data[at + 1]! << 8);
    writer.cell(at + LENGTH_BYTES, length);
    return at + LENGTH_BYTES + length;
  },
  pass(data, at) {
    return at + LENGTH_BYTES + (data[at]! | (data[at + 1]! << 8));
  },
};

/**
 * What a source does with MySQL's packets: a chunk goes into the slab, its whole events are decoded, a full batch is closed, and
 * the incomplete rest is kept.
 * @returns rows
 */
export function logReader(shape: RowShape): (bytes: Uint8Array) => number {
  const writer = new BatchWriter();
  const decoder = new BinlogDecoder(hostOf(shape));
  return (bytes) => {
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
      while (writer.used - next >= PACKET_HEADER) {
        const { data } = writer;
        const end = next + PACKET_HEADER + (data[next]! | (data[next + 1]! << 8) | (data[next + 2]! << 16));
        if (end > writer.used) break;
        decoder.decode(writer, next + PACKET_HEADER + PACKET_STATUS, end);
        next = end;
        if (writer.isFull(next)) close();
      }
    }
    close();
    return rows;
  };
}

function hostOf(shape: RowShape): BinlogHost {
  const commit: Commit = { position: '0', version: 1n, time: 0, transactionId: '1' };
  const { database, name } = tableOf(shape);
  const columns = tableOf(shape).columns.map((column) => ({
    name: column.name!,
    type: { kind: 'string' } as const,
    nullable: column.nullable,
    sourceType: 'varchar(300)',
  }));
  const table = { namespace: database, name, version: 1, columns, key: [0] };
  return {
    tableMap: () => ({ table, decoders: columns.map(() => textCell), skip: false }),
    begin: () => commit,
    commit: () => {},
    statement: () => {},
    payload: () => {},
  };
}
