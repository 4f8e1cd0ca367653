import type { BinlogColumn, TableMap } from '@weir/binlog';
import { EventEncoder, type SentRow } from '@weir/binlog/encoder';
import type { RowShape } from './sent-rows.ts';

const ROWS_PER_TRANSACTION = 1000;
/** What MySQL puts into an event before it begins another (`binlog_row_event_max_size`). */
const EVENT_BYTES = 8192;
const WRITE_ROWS = 30;
/** Length, number of the packet, and a byte that says that an event follows. */
export const PACKET_HEADER = 4;
export const PACKET_STATUS = 1;

/** The table of a shape, with full metadata. */
export function tableOf(shape: RowShape): TableMap {
  const columns = shape.columns.map(({ mysql: { type, meta, unsigned, collation, labels } }, column): BinlogColumn => ({
    type,
    meta,
    nullable: column > 0,
    name: `column_${column}`,
    unsigned: unsigned ?? false,
    collation: collation ?? null,
    values: labels?.map((each) => new Uint8Array(Buffer.from(each))) ?? null,
    detail: null,
  }));
  return { tableId: 108, database: 'bench', name: 'rows', columns, primaryKey: [{ column: 0, prefix: 0 }], invisible: null };
}

/** The packets of inserts of this shape as a server would send them, with checksums. */
export function sentLog(shape: RowShape, rows: number): Uint8Array {
  const log = new EventEncoder();
  const map = tableOf(shape);
  const events = [log.rotate('binlog.000001', 4, { artificial: true }), log.format()];
  for (let row = 0; row < rows; ) {
    const end = Math.min(rows, row + ROWS_PER_TRANSACTION);
    const gtid = { uuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562', tag: '', number: BigInt(row + 1) };
    events.push(log.gtid({ gtid, commitTime: 1_700_000_000_000_000 + row, length: 1 }), log.query({ text: 'BEGIN' }), log.tableMap(map));
    while (row < end) {
      const some: SentRow[] = [];
      for (let bytes = 0; row < end && bytes < EVENT_BYTES; row++) {
        const after = shape.columns.map((column) => column.logged(row));
        bytes += after.reduce((sum, value) => sum + (value?.length ?? 0), 0);
        some.push({ after });
      }
      events.push(log.rows({ type: WRITE_ROWS, tableId: map.tableId, columns: shape.columns.length, rows: some, endsStatement: row === end }));
    }
    events.push(log.xid());
  }
  return Buffer.concat(events.map((event, index) => packet(event, index)));
}

function packet(event: Uint8Array, number: number): Uint8Array {
  const size = event.length + PACKET_STATUS;
  return Buffer.concat([Buffer.of(size & 0xff, (size >> 8) & 0xff, size >> 16, number & 0xff, 0), event]);
}
