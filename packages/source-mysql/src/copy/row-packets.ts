import { WeirError, type Batch, type BatchWriter, type Chunk, type Checkpoint } from '@weir/sdk';
import { serverError } from '@weir/mysql';

const HEADER_BYTES = 4;
/** A packet of this length goes on in the next one. */
const MAX_PACKET = 0xff_ffff;
const END = 0xfe;
const ERROR = 0xff;
/** Longer than this a packet that begins like an end is a row, whose first cell is of 16 MiB and more. */
const MOST_END_BYTES = 8;
/** Behind the status of an error: its number, `#` and a state of five characters. */
const ERROR_HEADER = 3;
const SQL_STATE = 6;
const HASH = 0x23;

/** What of an answer comes next. */
type Phase = 'header' | 'columns' | 'rows' | 'whole';

/**
 * Finds the rows of an answer in the packets of a connection. What the socket reads lies in the batch writer's slab, and a row is
 * made whole there: nothing is allocated for it.
 *
 * Format: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset.html
 */
export class RowPackets {
  readonly #writer: BatchWriter;
  readonly #row: (start: number, end: number) => void;
  readonly #doing: string;
  readonly #maxPacket: number;
  #phase: Phase = 'header';
  /** Where the first packet begins that is not taken. */
  #at: number;
  /** Of a row in several packets: behind its bytes that are put together, and where its next packet begins; from `#at` on. */
  #joined = 0;
  #next = 0;
  #sequence = 1;

  /**
   * @param row gets each row: the writer's slab from `start` to `end`
   * @param doing how errors call the query
   * @param maxPacket for tests: the length from which a packet goes on in the next
   */
  constructor(writer: BatchWriter, row: (start: number, end: number) => void, doing: string, maxPacket: number = MAX_PACKET) {
    this.#writer = writer;
    this.#row = row;
    this.#doing = doing;
    this.#maxPacket = maxPacket;
    this.#at = writer.used;
  }

  /** Bytes of the slab that belong to rows that were taken. */
  get taken(): number {
    return this.#at;
  }

  /**
   * Takes what a socket read; the chunk may be used again afterwards.
   * @returns whether the answer is whole
   * @throws WeirError what the server answered, WEIR_MYSQL_CONNECTION_LOST for what is no answer
   */
  arrived(chunk: Buffer): boolean {
    this.#writer.append(chunk);
    for (let length = this.#takePacket(); length !== null; length = this.#takePacket()) {
      if (length === this.#maxPacket) continue;
      this.#finish();
      if (this.#phase === 'whole') return true;
    }
    return false;
  }

  /** Closes the batch; what is not taken yet belongs to the next one. */
  close(checkpoint: Checkpoint | null, chunk: Chunk | null = null): Batch {
    const batch = this.#writer.close(checkpoint, { keepFrom: this.#at, chunk });
    this.#at = 0;
    return batch;
  }

  /** The length of the next packet, whose bytes are put behind those that belong to it already; null when it is not whole. */
  #takePacket(): number | null {
    const { data, used } = this.#writer;
    const header = this.#at + this.#next;
    if (used - header < HEADER_BYTES) return null;
    const length = data[header]! | (data[header + 1]! << 8) | (data[header + 2]! << 16);
    if (used - header - HEADER_BYTES < length) return null;
    if (data[header + 3] !== this.#sequence) throw this.#damaged(`packet ${data[header + 3]} came for packet ${this.#sequence}`);
    this.#sequence = (this.#sequence + 1) & 0xff;
    const first = header + HEADER_BYTES;
    if (this.#next > 0) data.copyWithin(this.#at + this.#joined, first, first + length);
    this.#joined = (this.#next === 0 ? HEADER_BYTES : this.#joined) + length;
    this.#next += HEADER_BYTES + length;
    return length;
  }

  /** A message is whole. */
  #finish(): void {
    const { data } = this.#writer;
    const start = this.#at + HEADER_BYTES;
    const end = this.#at + this.#joined;
    const behind = this.#at + this.#next;
    this.#joined = 0;
    this.#next = 0;
    if (start === end) throw this.#damaged('a packet is empty');
    const status = data[start];
    if (status === ERROR && this.#phase !== 'columns') throw this.#refused(start, end);
    const isEnd = status === END && end - start <= MOST_END_BYTES;
    // A row may close the batch: then the slab is another, and begins where this one was to go on.
    this.#at = behind;
    if (this.#phase === 'rows') {
      if (isEnd) this.#phase = 'whole';
      else this.#row(start, end);
    } else if (this.#phase === 'header') {
      // A statement without rows answers OK.
      this.#phase = status === 0 ? 'whole' : 'columns';
    } else if (isEnd) {
      this.#phase = 'rows';
    }
  }

  #refused(start: number, end: number): WeirError {
    const { data } = this.#writer;
    if (end - start < ERROR_HEADER) return this.#damaged('an error is cut off');
    const errno = data[start + 1]! | (data[start + 2]! << 8);
    const text = start + ERROR_HEADER + (data[start + ERROR_HEADER] === HASH ? SQL_STATE : 0);
    const message = Buffer.from(data.subarray(Math.min(text, end), end)).toString();
    return serverError({ errno, sqlMessage: message, message }, this.#doing);
  }

  #damaged(what: string): WeirError {
    return new WeirError('WEIR_MYSQL_CONNECTION_LOST', `${this.#doing}: ${what}`);
  }
}
