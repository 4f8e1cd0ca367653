import { BinlogDecoder, cellDecoder, type BinlogHost } from '@weir/binlog';
import { BatchWriter, type Batch, type Commit, type Table } from '@weir/sdk';
import { PACKET_HEADER, PACKET_STATUS, tableOf } from './sent-log.ts';
import type { RowShape } from './sent-rows.ts';

const CHUNK_BYTES = 65_536;

/**
 * What a source does with MySQL's packets: a chunk goes into the slab, its whole events are decoded, a full batch is closed, and
 * the incomplete rest is kept.
 * @param seen looks at each batch
 * @returns rows
 */
export function logReader(shape: RowShape, seen: (batch: Batch) => void = () => {}): (bytes: Uint8Array) => number {
  const writer = new BatchWriter();
  const decoder = new BinlogDecoder(hostOf(shape));
  return (bytes) => {
    let rows = 0;
    let next = 0;
    const close = (): void => {
      const batch = writer.close(null, { keepFrom: next });
      rows += batch.rows;
      seen(batch);
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
  const { database, name, columns } = tableOf(shape);
  const cells = columns.map((column, index) => {
    const { sourceType } = shape.columns[index]!.mysql;
    return { sourceType, ...cellDecoder(column, { sourceType, characterSet: null, labels: null, zeroDates: 'null' }) };
  });
  const table: Table = {
    namespace: database,
    name,
    version: 1,
    columns: columns.map((column, index) => {
      const { type, sourceType } = cells[index]!;
      return { name: column.name!, type, nullable: column.nullable, sourceType };
    }),
    key: [0],
  };
  return {
    tableMap: () => ({ table, decoders: cells.map(({ decoder }) => decoder), skip: false }),
    begin: () => commit,
    commit: () => {},
    statement: () => {},
    payload: () => {},
  };
}
