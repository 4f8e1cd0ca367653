import { WeirError, type BatchWriter } from '@weir/sdk';
import type { BoundTable } from './binding.ts';
import type { CellDecoder } from './cells/cell-decoder.ts';
import type { EventReader } from './event-reader.ts';
import type { RowsHeader } from './rows-event.ts';
import { passValue } from './value-width.ts';

/** Reads also a JSON value that is written as differences from the one before (`binlog_row_value_options=PARTIAL_JSON`). */
export interface PartialCellDecoder extends CellDecoder {
  /**
   * As `write`, of the differences at `at`.
   * @param before where the value that they change stands, with its length in front
   */
  writePartial(data: Uint8Array, before: number, at: number, end: number, writer: BatchWriter): number;
}

const PARTIAL_JSON = 1;
const ABSENT = -1;

/**
 * The after image of a PARTIAL_UPDATE_ROWS: options, a bit for each JSON column of the table that says whether its value is
 * differences, then an image as others.
 * https://dev.mysql.com/doc/refman/8.4/en/replication-options-binary-log.html#sysvar_binlog_row_value_options
 */
export class PartialImages {
  /** Where the before image of the row has its JSON values, by column; -1 where it has none. */
  #before = new Int32Array(64);
  /** Where the after image has its bits of JSON columns; `#json` is how many there are. */
  #bits = 0;
  #json = 0;

  /** Finds the JSON values of a before image that was read already. */
  locate(data: Uint8Array, start: number, end: number, header: RowsHeader, { widths, json }: BoundTable): void {
    if (this.#before.length < widths.length) this.#before = new Int32Array(widths.length);
    this.#before.fill(ABSENT, 0, widths.length);
    let at = start + header.firstNullBytes;
    let sent = 0;
    for (let column = 0; column < widths.length; column++) {
      if (header.first[column] === 0) continue;
      const isNull = ((data[start + (sent >> 3)]! >> (sent & 7)) & 1) === 1;
      sent++;
      if (isNull) continue;
      if (json.includes(column)) this.#before[column] = at;
      at = passValue(widths[column]!, data, at, end);
    }
  }

  /** Reads what stands in front of an after image. */
  open(reader: EventReader, { json }: BoundTable): void {
    const options = reader.packed();
    if ((options & ~PARTIAL_JSON) !== 0) throw reader.unsupported(`rows with options ${options}`);
    this.#json = (options & PARTIAL_JSON) === 0 ? 0 : json.length;
    this.#bits = reader.skip((this.#json + 7) >> 3);
  }

  /** As `writeImage`, of an after image with differences. */
  write(reader: EventReader, header: RowsHeader, table: BoundTable, writer: BatchWriter): void {
    const { data, end, at: start } = reader;
    let at = reader.skip(header.secondNullBytes) + header.secondNullBytes;
    let sent = 0;
    let cell = 0;
    for (const [column, decoder] of table.decoders.entries()) {
      const isPresent = header.second[column] === 1;
      const isNull = isPresent && ((data[start + (sent >> 3)]! >> (sent & 7)) & 1) === 1;
      if (isPresent) sent++;
      if (decoder !== null) {
        if (!isPresent) writer.repeatBefore(cell);
        else if (isNull) writer.nullCell();
        else if (this.#isPartial(data, table, column)) at = this.#writePartial(reader, column, decoder, at, writer);
        else at = decoder.write(data, at, end, writer);
        cell++;
      } else if (isPresent && !isNull) {
        at = passValue(table.widths[column]!, data, at, end);
      }
      if (at > end) throw reader.damaged('the row is cut off');
    }
    reader.at = at;
  }

  #isPartial(data: Uint8Array, { json }: BoundTable, column: number): boolean {
    const index = this.#json === 0 ? -1 : json.indexOf(column);
    return index >= 0 && ((data[this.#bits + (index >> 3)]! >> (index & 7)) & 1) === 1;
  }

  #writePartial(reader: EventReader, column: number, decoder: CellDecoder, at: number, writer: BatchWriter): number {
    const before = this.#before[column]!;
    if (before === ABSENT) throw new WeirError('WEIR_BINLOG_ROW_IMAGE', 'a JSON value is written as what changed in one that the log does not have');
    if (!isPartialDecoder(decoder)) throw reader.unsupported('a column with differences of JSON values');
    return decoder.writePartial(reader.data, before, at, reader.end, writer);
  }
}

function isPartialDecoder(decoder: CellDecoder): decoder is PartialCellDecoder {
  return 'writePartial' in decoder;
}
