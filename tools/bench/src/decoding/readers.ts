// Three ways to read the same bytes: two floors that only look, and the decoder.
import { PgoutputDecoder, type DecoderHost } from '@weir/pgoutput';
import { mapType, type PgType } from '@weir/postgres';
import { BatchWriter, type Batch, type Commit, type Table } from '@weir/sdk';
import type { SentColumn } from './sent-columns.ts';
import { FRAME_HEADER, WAL_HEADER, relationOf, type RowShape } from './sent-rows.ts';

const CHUNK_BYTES = 65_536;
const INSERT = 0x49;
const TEXT = 0x74;
/** Kind, relation and `N` of an insert, before the number of its columns. */
const INSERT_HEADER = 6;

function uint32(data: Uint8Array, at: number): number {
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}

/** Floor: the frames only. @returns how many are inserts */
export function walkFrames(bytes: Uint8Array): number {
  let inserts = 0;
  for (let at = 0; at < bytes.length; at += 1 + uint32(bytes, at + 1)) {
    if (bytes[at + FRAME_HEADER + WAL_HEADER] === INSERT) inserts++;
  }
  return inserts;
}

/** Floor: frames and the cells of inserts, each length read, nothing written. @returns how many cells hold text */
export function walkCells(bytes: Uint8Array): number {
  let texts = 0;
  for (let at = 0; at < bytes.length; at += 1 + uint32(bytes, at + 1)) {
    let cell = at + FRAME_HEADER + WAL_HEADER;
    if (bytes[cell] !== INSERT) continue;
    cell += INSERT_HEADER;
    const columns = (bytes[cell]! << 8) | bytes[cell + 1]!;
    cell += 2;
    for (let column = 0; column < columns; column++) {
      if (bytes[cell++] !== TEXT) continue;
      cell += 4 + uint32(bytes, cell);
      texts++;
    }
  }
  return texts;
}

/**
 * What a source does: a chunk goes into the slab, its whole messages are decoded, a full batch is closed, and the incomplete
 * rest is kept.
 * @param seen looks at each batch
 * @returns rows
 */
export function batchReader(shape: RowShape, seen: (batch: Batch) => void = () => {}): (bytes: Uint8Array) => number {
  const writer = new BatchWriter();
  const decoder = new PgoutputDecoder(hostOf(shape));
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
  };
}

function hostOf(shape: RowShape): DecoderHost {
  const commit: Commit = { position: '0', version: 1n, time: 0, transactionId: '1' };
  const { namespace, name, columns } = relationOf(shape);
  const types = new Map(shape.columns.map(({ postgres }) => [postgres.oid, typeOf(postgres)]));
  const mappings = shape.columns.map(({ postgres: { oid, modifier } }) => mapType(types, oid, modifier));
  const table: Table = {
    namespace,
    name,
    version: 1,
    columns: columns.map((column, index) => ({
      name: column.name,
      type: mappings[index]!.type,
      nullable: true,
      sourceType: shape.columns[index]!.postgres.name,
    })),
    key: [0],
  };
  return {
    relation: () => ({ table, rewrites: mappings.map(({ rewrite }) => rewrite), skip: false }),
    begin: () => commit,
    commit: () => {},
  };
}

/** A type of pg_catalog, as `readTypes` of a database finds it. */
function typeOf({ oid, name }: SentColumn['postgres']): PgType {
  return { oid, name, kind: 'b', baseOid: 0, baseModifier: -1, elementOid: 0, builtIn: true, extension: null };
}
