import { WeirError, type BatchWriter } from '@weir/sdk';
import type { PartialCellDecoder } from '../partial-image.ts';
import { passValue, type ValueWidth } from '../value-width.ts';

/** The bytes of a value as they lie in the slab, without their length. */
export class PlainCell implements PartialCellDecoder {
  protected readonly width: ValueWidth;

  constructor(width: ValueWidth) {
    this.width = width;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const start = this.#start(at);
    writer.cell(start, behind - start);
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    const behind = passValue(this.width, data, at, end);
    if (behind > end) throw new WeirError('WEIR_BINLOG_DAMAGED', 'a value is cut off');
    return behind;
  }

  /** The old bytes, `+`, the differences. */
  writePartial(data: Uint8Array, before: number, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const { spill } = writer;
    const from = spill.length;
    spill.bytes(data, this.#start(before), this.pass(data, before, end));
    spill.ascii('+');
    spill.bytes(data, this.#start(at), behind);
    writer.spilledCell(from);
    return behind;
  }

  #start(at: number): number {
    return this.width < 0 ? at - this.width : at;
  }
}

/** The bytes of a value twice, in angle brackets, out of the spill. */
export class DoubledCell extends PlainCell {
  override write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    const start = this.width < 0 ? at - this.width : at;
    const { spill } = writer;
    const from = spill.length;
    spill.ascii('<');
    spill.bytes(data, start, behind);
    spill.bytes(data, start, behind);
    spill.ascii('>');
    writer.spilledCell(from);
    return behind;
  }
}
