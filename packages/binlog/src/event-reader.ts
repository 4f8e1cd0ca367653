import type { WeirError } from '@weir/sdk';
import { damaged, unsupported } from './event-type.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Timestamp 4, type 1, server id 4, size 4, position 4, flags 2. */
export const HEADER_BYTES = 19;
/** Where in the header the type and the size stand. */
export const TYPE_OFFSET = 4;
export const SIZE_OFFSET = 9;
const POSITION_OFFSET = 13;
const FLAGS_OFFSET = 17;

/** Bits of the header's flags. */
export const ARTIFICIAL_FLAG = 0x20;
export const IGNORABLE_FLAG = 0x80;

/**
 * Reads one event in the slab from front to back; integers are little-endian. One object serves all events of a log.
 * Every read looks at `end` first: behind it lie the checksum and other events.
 */
export class EventReader {
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Offset in `data` of the next byte. */
  at = 0;
  type = 0;
  /** Seconds since 1970; 0 in artificial events. */
  seconds = 0;
  serverId = 0;
  /** Where the event ends in its file, the low 32 bits; 0 where the server does not say. */
  endPosition = 0;
  flags = 0;

  /**
   * Reads the header and stands behind it.
   * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication_binlog_event.html
   */
  open(data: Uint8Array, start: number, end: number): void {
    this.data = data;
    this.start = start;
    this.end = end;
    this.at = start;
    this.type = 0;
    if (end - start < HEADER_BYTES) throw this.damaged('shorter than its header');
    this.type = data[start + TYPE_OFFSET]!;
    this.seconds = this.uint32();
    this.at = start + TYPE_OFFSET + 1;
    this.serverId = this.uint32();
    const size = this.uint32();
    if (size !== end - start) throw this.damagedBefore(4, 'its size is another than its header says');
    this.at = start + POSITION_OFFSET;
    this.endPosition = this.uint32();
    this.at = start + FLAGS_OFFSET;
    this.flags = this.uint16();
  }

  get left(): number {
    return this.end - this.at;
  }

  uint8(): number {
    this.need(1);
    return this.data[this.at++]!;
  }

  uint16(): number {
    this.need(2);
    const { data, at } = this;
    this.at = at + 2;
    return data[at]! | (data[at + 1]! << 8);
  }

  uint32(): number {
    this.need(4);
    const { data, at } = this;
    this.at = at + 4;
    return (data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)) >>> 0;
  }

  /** An integer of 1 to 6 bytes. */
  uint(size: number): number {
    this.need(size);
    let value = 0;
    for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + this.data[this.at + byte]!;
    this.at += size;
    return value;
  }

  uint64(): bigint {
    const low = this.uint32();
    return (BigInt(this.uint32()) << 32n) | BigInt(low);
  }

  /** An integer of 8 bytes that a double holds exactly: a place, a length, a time. */
  safeUint64(): number {
    const low = this.uint32();
    const value = this.uint32() * 0x1_0000_0000 + low;
    if (!Number.isSafeInteger(value)) throw this.damagedBefore(8, 'a number is out of range');
    return value;
  }

  /** A packed integer of 1, 3, 4 or 9 bytes. */
  packed(): number {
    const first = this.uint8();
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.uint16();
    if (first === 0xfd) return this.uint(3);
    if (first === 0xfe) return this.safeUint64();
    throw this.damagedBefore(1, 'no packed integer starts with this byte');
  }

  /** Passes over `size` bytes; returns where they start. */
  skip(size: number): number {
    this.need(size);
    const first = this.at;
    this.at = first + size;
    return first;
  }

  /** A view of the next `size` bytes. */
  bytes(size: number): Uint8Array {
    const first = this.skip(size);
    return this.data.subarray(first, first + size);
  }

  utf8(size: number): string {
    const bytes = this.bytes(size);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.damagedBefore(size, 'a name is not UTF-8');
    }
  }

  /** The event must have been read whole. */
  close(): void {
    if (this.at !== this.end) throw this.damaged(`bytes left over: ${this.left}`);
  }

  need(size: number): void {
    if (this.left < size) throw this.damaged('the event ends early');
  }

  /** An error about the byte that comes next. */
  damaged(what: string): WeirError {
    return damaged(this.type, this.at - this.start, what);
  }

  /** An error about what was read last, `size` bytes. */
  damagedBefore(size: number, what: string): WeirError {
    this.at -= size;
    return this.damaged(what);
  }

  unsupported(what: string): WeirError {
    return unsupported(this.type, this.at - this.start, what);
  }
}
