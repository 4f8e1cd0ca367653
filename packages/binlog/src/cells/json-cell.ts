import type { BatchWriter, Spill } from '@weir/sdk';
import type { CellDecoder } from './cell-decoder.ts';
import { applyJsonDiffs } from './json/json-diff.ts';
import { writeJson } from './json/json-text.ts';
import { readJsonTree, writeJsonTree } from './json/json-tree.ts';
import { Jsonb } from './json/jsonb.ts';
import { prefixedLength } from './length-prefix.ts';

/** Bytes of the length before the changes of a partial update. */
const DIFFS_PREFIX = 4;

/** JSON of MySQL, in binary form; the cell is the text that the server prints. */
export class JsonCell implements CellDecoder {
  readonly #column: string;
  readonly #prefix: number;

  constructor(column: string, prefix: number) {
    this.#column = column;
    this.#prefix = prefix;
  }

  write(data: Uint8Array, at: number, end: number, writer: BatchWriter): number {
    const behind = this.pass(data, at, end);
    this.#spill(writer, (spill) => writeJson(new Jsonb(this.#column, data, at + this.#prefix, behind), spill));
    return behind;
  }

  pass(data: Uint8Array, at: number, end: number): number {
    return at + this.#prefix + prefixedLength(this.#column, data, at, end, this.#prefix);
  }

  /**
   * Appends the document that a partial update makes of another: binlog_row_value_options=PARTIAL_JSON.
   * @param before where the value of the before image begins, the bytes of its length first
   * @param at where the changes begin, a length of four bytes first
   * @returns the offset behind the changes
   */
  writePartial(data: Uint8Array, before: number, at: number, end: number, writer: BatchWriter): number {
    const behind = this.passDiffs(data, at, end);
    const documentEnd = this.pass(data, before, end);
    this.#spill(writer, (spill) => {
      const tree = readJsonTree(new Jsonb(this.#column, data, before + this.#prefix, documentEnd));
      writeJsonTree(applyJsonDiffs(this.#column, tree, data, at + DIFFS_PREFIX, behind), spill);
    });
    return behind;
  }

  /** The offset behind the changes of a partial update. */
  passDiffs(data: Uint8Array, at: number, end: number): number {
    return at + DIFFS_PREFIX + prefixedLength(this.#column, data, at, end, DIFFS_PREFIX);
  }

  /** Makes a cell of what `print` appends; nothing of it stays where that fails. */
  #spill(writer: BatchWriter, print: (spill: Spill) => void): void {
    const { spill } = writer;
    const from = spill.length;
    try {
      print(spill);
    } catch (error) {
      spill.length = from;
      throw error;
    }
    writer.spilledCell(from);
  }
}
