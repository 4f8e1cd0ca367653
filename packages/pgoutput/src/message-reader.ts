import type { WeirError } from '@weir/sdk';
import { damaged, unsupported } from './message-kind.ts';

/** Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's clock starts. */
const POSTGRES_EPOCH = 946_684_800_000_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads one message in the slab from front to back. One object serves all messages of a stream.
 * Every read looks at `end` first: behind it lie other messages.
 */
export class MessageReader {
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Offset in `data` of the next byte. */
  at = 0;

  /** Stands on the byte behind the message's kind. The message has at least that one. */
  open(data: Uint8Array, start: number, end: number): void {
    this.data = data;
    this.start = start;
    this.end = end;
    this.at = start + 1;
  }

  get left(): number {
    return this.end - this.at;
  }

  uint8(): number {
    this.#need(1);
    return this.data[this.at++]!;
  }

  uint16(): number {
    this.#need(2);
    const { data, at } = this;
    this.at = at + 2;
    return (data[at]! << 8) | data[at + 1]!;
  }

  int32(): number {
    this.#need(4);
    const { data, at } = this;
    this.at = at + 4;
    return (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** An id of a transaction that writes: never 0, which the server uses for none. */
  transactionId(): number {
    const id = this.uint32();
    if (id === 0) throw this.damagedBefore(4, 'no transaction has the id 0');
    return id;
  }

  lsn(): bigint {
    const high = this.uint32();
    return (BigInt(high) << 32n) | BigInt(this.uint32());
  }

  /** Microseconds since 1970; the message has them since 2000. Exact: what a double cannot hold is damage (invariant 9). */
  time(): number {
    const high = this.int32();
    const sinceEpoch = high * 0x1_0000_0000 + this.uint32();
    const time = sinceEpoch + POSTGRES_EPOCH;
    if (!Number.isSafeInteger(sinceEpoch) || !Number.isSafeInteger(time)) throw this.damaged('a time is out of range');
    return time;
  }

  /** Passes over a string and its zero byte; returns its length in bytes, without that. */
  skipString(): number {
    const { data, end, at: first } = this;
    for (let at = first; at < end; at++) {
      if (data[at] === 0) {
        this.at = at + 1;
        return at - first;
      }
    }
    throw this.damaged('a string has no end');
  }

  string(): string {
    const first = this.at;
    const bytes = this.data.subarray(first, first + this.skipString());
    try {
      return utf8.decode(bytes);
    } catch {
      this.at = first;
      throw this.damaged('a string is not UTF-8');
    }
  }

  /** The message must have been read whole. */
  close(): void {
    if (this.at !== this.end) throw this.damaged(`bytes left over: ${this.left}`);
  }

  /** An error about the byte that comes next. */
  damaged(what: string): WeirError {
    return damaged(this.data[this.start]!, this.at - this.start, what);
  }

  /** An error about what was read last, `size` bytes. */
  damagedBefore(size: number, what: string): WeirError {
    this.at -= size;
    return this.damaged(what);
  }

  unsupported(what: string): WeirError {
    return unsupported(this.data[this.start]!, this.at - this.start, what);
  }

  #need(size: number): void {
    if (this.left < size) throw this.damaged('the message ends early');
  }
}
