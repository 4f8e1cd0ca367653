import { compileFunction } from 'node:vm';
import type { BatchWriter } from '@weir/sdk';
import type { CellDecoder } from './cells/cell-decoder.ts';
import { passValue } from './value-width.ts';

/** @returns the offset behind the image, or -1 where it is cut off */
type WriteImage = (data: Uint8Array, start: number, end: number, writer: BatchWriter) => number;

/** A function for more columns would take longer to compile than it saves; servers allow 4,096. */
const MOST_COLUMNS = 1024;

/**
 * Writes images that have all columns of their table, with a function made for it in which each column has a call of its own. A call
 * that sees decoders of one class is compiled into a direct one, or its body into the function; one in a loop sees those of all
 * columns, and looks up what to call each time, which takes as long as a number takes to be written.
 */
export class ImageWriter {
  readonly #decoders: readonly (CellDecoder | null)[];
  readonly #widths: Int16Array;
  /** Made for the first row: of a thousand tables most are silent. */
  #write: WriteImage | null = null;

  private constructor(decoders: readonly (CellDecoder | null)[], widths: Int16Array) {
    this.#decoders = decoders;
    this.#widths = widths;
  }

  /** @returns null where `writeImage` has to do */
  static for(decoders: readonly (CellDecoder | null)[], widths: Int16Array): ImageWriter | null {
    return decoders.length <= MOST_COLUMNS ? new ImageWriter(decoders, widths) : null;
  }

  /**
   * As `writeImage`, of an image whose columns are all present.
   * @returns the offset behind the image, or -1 where it is cut off
   */
  write(data: Uint8Array, start: number, end: number, writer: BatchWriter): number {
    this.#write ??= compiled(this.#decoders, this.#widths);
    return this.#write(data, start, end, writer);
  }
}

/** Of the table only numbers get into the text of the function. */
function compiled(decoders: readonly (CellDecoder | null)[], widths: Int16Array): WriteImage {
  const columns = decoders.map((decoder, column) => {
    const bit = column & 7;
    const load = bit === 0 ? `bits = data[start + ${column >> 3}];\n` : '';
    const isNull = `(bits & ${1 << bit}) !== 0`;
    if (decoder !== null) return `${load}if (${isNull}) writer.nullCell();\nelse at = decoder${column}.write(data, at, end, writer);`;
    return `${load}if (!(${isNull})) {\nat = pass(${widths[column]!}, data, at, end);\nif (at > end) return -1;\n}`;
  });
  const body = `return function writeRowImage(data, start, end, writer) {
let at = start + ${(decoders.length + 7) >> 3};
if (at > end) return -1;
let bits = 0;
${columns.join('\n')}
return at;
};`;
  const make = compileFunction(body, ['pass', ...decoders.map((_, column) => `decoder${column}`)]) as (...given: unknown[]) => WriteImage;
  return make(passValue, ...decoders);
}
