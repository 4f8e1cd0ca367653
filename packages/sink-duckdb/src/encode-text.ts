import { isUtf8 } from 'node:buffer';
import { ColumnEncoder } from './encode.ts';

/** The longest string that lies in its slot; a longer one lies elsewhere and the slot points to it. */
const INLINE_BYTES = 12;
/** From this length on one native call checks faster than a loop. */
const NATIVE_CHECK_BYTES = 96;

/**
 * Writes `duckdb_string_t`: length (4 bytes), then up to 12 bytes of text, or its first 4 bytes and a pointer to all of it.
 * Layout: https://github.com/duckdb/duckdb/blob/main/src/include/duckdb.h, `duckdb_string_t`.
 */
export class BytesEncoder extends ColumnEncoder {
  protected put(slot: number, start: number, end: number): void {
    const { data, slots } = this;
    const length = end - start;
    if (end > data.length) this.refuse('a cell lies outside its batch');
    const word = slot * 4;
    slots.u32[word] = length;
    slots.u32[word + 1] = 0;
    if (length <= INLINE_BYTES) {
      slots.u32[word + 2] = 0;
      slots.u32[word + 3] = 0;
      const to = slot * 16 + 4;
      for (let i = 0; i < length; i++) slots.u8[to + i] = data[start + i]!;
    } else {
      const to = slot * 16 + 4;
      for (let i = 0; i < 4; i++) slots.u8[to + i] = data[start + i]!;
      const low = this.cells.addressLow + start;
      slots.u32[word + 2] = low;
      slots.u32[word + 3] = this.cells.addressHigh + (low > 0xffffffff ? 1 : 0);
    }
  }

  protected override clear(slot: number): void {
    this.slots.u32.fill(0, slot * 4, slot * 4 + 4);
  }
}

/** The same for text, which must be UTF-8: DuckDB takes it unchecked here, and its functions would fail on it later. */
export class Utf8Encoder extends BytesEncoder {
  protected override put(slot: number, start: number, end: number): void {
    super.put(slot, start, end);
    const { data } = this;
    if (end - start < NATIVE_CHECK_BYTES) {
      let bits = 0;
      for (let i = start; i < end; i++) bits |= data[i]!;
      if (bits < 0x80) return;
    }
    if (!isUtf8(data.subarray(start, end))) this.refuse('a value is not UTF-8');
  }
}
