import { ColumnEncoder } from './encode.ts';

const MINUS = 0x2d;

/** 32 hexadecimal digits with hyphens into 128 bits. The top bit is flipped: DuckDB's signed order is then the text's. */
export class UuidEncoder extends ColumnEncoder {
  readonly #words = new Uint32Array(4);

  protected put(slot: number, start: number, end: number): void {
    const { data } = this;
    if (end - start !== 36) this.refuse();
    let digits = 0;
    for (let i = 0; i < 36; i++) {
      const byte = data[start + i]!;
      if (i === 8 || i === 13 || i === 18 || i === 23) {
        if (byte !== MINUS) this.refuse();
        continue;
      }
      const digit = hexDigit(byte);
      if (digit < 0) this.refuse();
      const word = digits++ >> 3;
      this.#words[word] = (this.#words[word]! << 4) | digit;
    }
    const { u32 } = this.slots;
    u32[slot * 4] = this.#words[3]!;
    u32[slot * 4 + 1] = this.#words[2]!;
    u32[slot * 4 + 2] = this.#words[1]!;
    u32[slot * 4 + 3] = this.#words[0]! ^ 0x80000000;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
