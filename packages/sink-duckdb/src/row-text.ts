import type { BatchWriter } from '@weir/sdk';

/** The cells of one row on their way into a batch: text and bytes one after the other, with their ends. */
export class RowText {
  #bytes: Buffer = Buffer.allocUnsafe(4096);
  #length = 0;
  /** Where each cell ends; -1 for a NULL. */
  readonly #ends: number[] = [];

  /** Adds a cell of ASCII text. */
  ascii(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
    this.#ends.push(this.#length);
  }

  /** Adds a cell of bytes. */
  bytes(from: Uint8Array): void {
    this.#reserve(from.length);
    this.#bytes.set(from, this.#length);
    this.#length += from.length;
    this.#ends.push(this.#length);
  }

  nullCell(): void {
    this.#ends.push(-1);
  }

  /** Writes the cells as the image that the writer has begun, and starts over. */
  moveTo(writer: BatchWriter): void {
    const base = writer.append(this.#bytes.subarray(0, this.#length));
    let start = 0;
    for (const end of this.#ends) {
      if (end < 0) {
        writer.nullCell();
        continue;
      }
      writer.cell(base + start, end - start);
      start = end;
    }
    this.#length = 0;
    this.#ends.length = 0;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
