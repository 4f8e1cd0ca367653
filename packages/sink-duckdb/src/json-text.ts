const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const hexDigits = '0123456789abcdef';
/** What a byte takes at most: `\u001f`. */
const LONGEST_ESCAPE = 6;
const FIRST_BYTES = 4096;
/** Beyond this a buffer is given back when its text was used. */
const KEPT_BYTES = 2 ** 20;

/** JSON text that is written into bytes, one after the other; UTF-8 passes as it is. */
export class JsonText {
  #bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written, until something else is. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Starts over. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** Writes ASCII text as it is. */
  raw(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
  }

  /** Writes UTF-8 as a JSON string. */
  string(utf8: Uint8Array): void {
    this.#reserve(utf8.length + 2);
    this.#bytes[this.#length++] = QUOTE;
    for (let i = 0; i < utf8.length; i++) {
      const byte = utf8[i]!;
      if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) {
        this.#bytes[this.#length++] = byte;
        continue;
      }
      this.#reserve(utf8.length - i + LONGEST_ESCAPE);
      this.#escape(byte);
    }
    this.#bytes[this.#length++] = QUOTE;
  }

  /** Writes bytes as a JSON string of `\x` and hexadecimal digits. */
  hex(bytes: Uint8Array): void {
    this.#reserve(bytes.length * 2 + 5);
    this.raw('"\\\\x');
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      this.#bytes[this.#length++] = hexDigits.charCodeAt(byte >> 4);
      this.#bytes[this.#length++] = hexDigits.charCodeAt(byte & 15);
    }
    this.#bytes[this.#length++] = QUOTE;
  }

  #escape(byte: number): void {
    this.raw(byte >= 0x20 ? `\\${String.fromCharCode(byte)}` : JSON.stringify(String.fromCharCode(byte)).slice(1, -1));
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + size));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
