import { WeirError, type Batch, type BatchWriter, type Checkpoint } from '@weir/sdk';
import { dumpError } from './dump-error.ts';

const HEADER_BYTES = 4;
/** A packet of this length goes on in the next one. */
const MAX_PACKET = 0xff_ffff;
const OK = 0x00;
const END = 0xfe;
const ERROR = 0xff;
/** Behind the status: the number, `#` and a state of five characters. */
const ERROR_HEADER = 3;
const SQL_STATE = 6;

export interface EventPacketsOptions {
  /** Answers of commands before the first event, which say OK. */
  readonly answers: number;
  /** For tests: the length from which a packet goes on in the next. */
  readonly maxPacket?: number;
}

/**
 * Finds the events of a log in the packets of a stream. What the socket reads lies in the batch writer's slab, and an event is
 * made whole there: nothing is allocated for it.
 *
 * Format: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html
 */
export class EventPackets {
  readonly #writer: BatchWriter;
  readonly #maxPacket: number;
  #answers: number;
  /** Where the first packet begins that is not taken. */
  #at = 0;
  /** Of an event in several packets: behind its bytes that are put together, and where its next packet begins; from `#at` on. */
  #joined = 0;
  #next = 0;
  #sequence = 1;
  /** What arrives while bytes are held. */
  #held: Buffer[] | null = null;
  #start = 0;
  #end = 0;

  constructor(writer: BatchWriter, { answers, maxPacket = MAX_PACKET }: EventPacketsOptions) {
    this.#writer = writer;
    this.#answers = answers;
    this.#maxPacket = maxPacket;
  }

  /** The event is `writer.data[start, end)`, valid until the next is asked for or the batch is closed. */
  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Bytes that arrived and are not taken yet. */
  get unread(): number {
    if (this.#held === null) return this.#writer.used - this.#at;
    return this.#held.reduce((sum, { length }) => sum + length, 0);
  }

  /** Bytes in front of what is not taken yet, of events and of what the batch holds. */
  get taken(): number {
    return this.#at;
  }

  /** Gives the room of events that were taken back, where the batch has nothing in the slab. None is valid any more. */
  forgetTaken(): void {
    const { data, used } = this.#writer;
    data.copyWithin(0, this.#at, used);
    this.#writer.truncate(used - this.#at);
    this.#at = 0;
  }

  /** Takes what a socket read; the chunk may be used again afterwards. */
  arrived(chunk: Buffer): void {
    if (this.#held === null) this.#writer.append(chunk);
    else this.#held.push(Buffer.from(chunk));
  }

  /**
   * Goes on to the next event.
   * @returns whether it is whole; otherwise more has to arrive
   * @throws WeirError what the server says instead of an event, WEIR_BINLOG_DAMAGED for what is no packet
   */
  next(): boolean {
    if (this.#held !== null) throw new WeirError('WEIR_SDK_USE', 'the bytes behind an event are held');
    for (;;) {
      const length = this.#takePacket();
      if (length === null) return false;
      if (length < this.#maxPacket && this.#finish()) return true;
    }
  }

  /** Takes the bytes behind the event out of the slab, so that others can be appended to it. */
  hold(): void {
    const { data, used } = this.#writer;
    this.#held = [Buffer.from(data.subarray(this.#at, used))];
    this.#writer.truncate(this.#at);
  }

  /** Puts them back, with what arrived since, behind what was appended. */
  release(): void {
    this.#at = this.#writer.used;
    const held = this.#held ?? [];
    this.#held = null;
    for (const chunk of held) this.#writer.append(chunk);
  }

  /** Closes the batch; what is not taken yet belongs to the next one. */
  close(checkpoint: Checkpoint | null): Batch {
    const batch = this.#writer.close(checkpoint, { keepFrom: this.#held === null ? this.#at : this.#writer.used });
    if (this.#held === null) this.#at = 0;
    return batch;
  }

  /** The length of the next packet, whose bytes are put behind those that belong to it already; null when it is not whole. */
  #takePacket(): number | null {
    const { data, used } = this.#writer;
    const header = this.#at + this.#next;
    if (used - header < HEADER_BYTES) return null;
    const length = data[header]! | (data[header + 1]! << 8) | (data[header + 2]! << 16);
    if (used - header - HEADER_BYTES < length) return null;
    if (data[header + 3] !== this.#sequence) throw damaged(`packet ${data[header + 3]} came for packet ${this.#sequence}`);
    this.#sequence = (this.#sequence + 1) & 0xff;
    const first = header + HEADER_BYTES;
    if (this.#next > 0) data.copyWithin(this.#at + this.#joined, first, first + length);
    this.#joined = (this.#next === 0 ? HEADER_BYTES : this.#joined) + length;
    this.#next += HEADER_BYTES + length;
    return length;
  }

  /** A message is whole. @returns whether it is an event */
  #finish(): boolean {
    const { data } = this.#writer;
    const start = this.#at + HEADER_BYTES;
    const end = this.#at + this.#joined;
    this.#at += this.#next;
    this.#joined = 0;
    this.#next = 0;
    if (start === end) throw damaged('a packet is empty');
    const status = data[start];
    if (status === ERROR) throw errorOf(data, start, end);
    if (this.#answers > 0) {
      if (status !== OK) throw damaged(`an answer begins with byte ${status}`);
      this.#answers--;
      // The next command's answers are numbered anew.
      this.#sequence = 1;
      return false;
    }
    if (status === END) throw new WeirError('WEIR_MYSQL_LOG_READ', 'the server ended the stream of its log');
    if (status !== OK) throw damaged(`a packet begins with byte ${status}`);
    this.#start = start + 1;
    this.#end = end;
    return true;
  }
}

function errorOf(data: Uint8Array, start: number, end: number): WeirError {
  if (end - start < ERROR_HEADER) throw damaged('an error is cut off');
  const errno = data[start + 1]! | (data[start + 2]! << 8);
  const hasState = data[start + ERROR_HEADER] === 0x23; // #
  const text = Buffer.from(data.subarray(Math.min(end, start + ERROR_HEADER + (hasState ? SQL_STATE : 0)), end)).toString();
  return dumpError(errno, text);
}

function damaged(what: string): WeirError {
  return new WeirError('WEIR_BINLOG_DAMAGED', `the stream of the log: ${what}`);
}
