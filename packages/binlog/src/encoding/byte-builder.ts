/** Bytes that grow; integers are little-endian, as in the log. */
export class ByteBuilder {
  #bytes = Buffer.alloc(256);
  #length = 0;

  uint(value: number, size: number): this {
    const at = this.#reserve(size);
    let rest = value;
    for (let byte = 0; byte < size; byte++) {
      this.#bytes[at + byte] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    return this;
  }

  uint8(value: number): this {
    return this.uint(value, 1);
  }

  uint16(value: number): this {
    return this.uint(value, 2);
  }

  uint32(value: number): this {
    return this.uint(value, 4);
  }

  uint64(value: bigint | number): this {
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
    return this;
  }

  /** A packed integer of 1, 3, 4 or 9 bytes. */
  packed(value: number): this {
    if (value < 0xfb) return this.uint8(value);
    if (value < 0x1_0000) return this.uint8(0xfc).uint16(value);
    if (value < 0x100_0000) return this.uint8(0xfd).uint(value, 3);
    return this.uint8(0xfe).uint64(value);
  }

  /** An integer of `mysql::serialization`: as many ones at the end of the first byte as bytes follow. */
  varint(value: bigint | number): this {
    const wide = BigInt(value);
    let more = 0;
    while (more < 8 && wide >> BigInt(7 * (more + 1)) > 0n) more++;
    if (more === 8) return this.uint8(0xff).uint64(wide);
    const bits = (wide << BigInt(more + 1)) | ((1n << BigInt(more)) - 1n);
    for (let byte = 0; byte <= more; byte++) this.uint8(Number((bits >> BigInt(8 * byte)) & 0xffn));
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  text(text: string): this {
    return this.bytes(Buffer.from(text));
  }

  /** A bit for each of these, from the lowest of the first byte on. */
  bits(bits: readonly boolean[]): this {
    for (let at = 0; at < bits.length; at += 8) {
      this.uint8(bits.slice(at, at + 8).reduce((byte, bit, index) => byte | (bit ? 1 << index : 0), 0));
    }
    return this;
  }

  /** The same from the highest of the first byte on. */
  bitsFromHighest(bits: readonly boolean[]): this {
    for (let at = 0; at < bits.length; at += 8) {
      this.uint8(bits.slice(at, at + 8).reduce((byte, bit, index) => byte | (bit ? 0x80 >> index : 0), 0));
    }
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.#length));
  }

  /** Makes room for so many bytes; returns where they start. */
  #reserve(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}
