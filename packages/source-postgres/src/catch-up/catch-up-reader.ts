import { formatLsn } from '@weir/pgoutput';
import { parseErrorResponse, quoteLiteral, serverError, type Wire } from '@weir/postgres';
import { WeirError, toWeirError, type Clock } from '@weir/sdk';
import type { LogListener, LogReader } from '../stream/log-reader.ts';
import { pluginOptions, type StreamProtocol } from '../stream/stream-protocol.ts';
import { PieceArrivals } from './piece-arrivals.ts';
import type { CopiedSlot, LogExtent } from './slot-copy.ts';
import { SlotFollower } from './slot-follower.ts';

const COPY_DATA = 0x64;
const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;
/** Before the first row: signature, flags and length of an extension. */
const FILE_HEADER = 19;
/** Number of columns and length of the only one; the end of a file is a row of -1 columns. */
const ROW_HEADER = 6;

/**
 * Bytes of log in a piece. The server reads each from where the oldest transaction began that was open at its start, and keeps
 * its rows in memory and temporary files before it sends the first. **Measured**: log that is read once more costs a sixth of
 * log whose rows are sent, so twice as much new log as old is a twelfth more. The first pieces are small: the sinks can begin.
 */
const PIECES: readonly [least: bigint, largest: bigint] = [32n << 20n, 256n << 20n];
/** Log that is read once more for a piece, at most: beyond that the WAL sender, which reads everything once, is as good. */
const MAX_REPEATED = 2n << 30n;
/** How long nothing is asked for where there is nothing new, in ms. */
const IDLE_MS = 100;

/** Why a reader ends: it is near the end of the log; or why the WAL sender has to take over, at least up to `end`. */
export type Ending = 'caught up' | { readonly why: string; readonly end: bigint };

export interface CatchUpReaderOptions {
  /** Its session has the copy of the slot. */
  readonly wire: Wire;
  readonly slot: CopiedSlot;
  readonly clock: Clock;
  readonly publications: readonly string[];
  readonly version: StreamProtocol['version'];
  /** It has caught up when it is nearer to the end of the log, in bytes; 0: never. */
  readonly near: bigint;
  /** Everything up to `from` is durable. */
  readonly from: bigint;
  /** Log that is read once more for a piece, at most; 2 GiB by default. */
  readonly maxRepeated?: bigint;
  /** Log of the smallest piece and of the largest; 32 and 256 MiB by default. */
  readonly pieces?: readonly [least: bigint, largest: bigint];
  /** See `PieceArrivalsOptions`. */
  readonly later?: (work: () => void) => void;
  /** Called once: nothing comes any more, and what has come ends at a boundary. */
  readonly ended: (ending: Ending) => void;
}

/**
 * The log of a slot by the server's SQL function, in pieces over COPY: the WAL sender gives every row to the network by
 * itself, which costs more than all the rest. A copy of the slot moves on with each piece that is read; the slot itself
 * follows when everything is durable (invariant 1).
 *
 * Formats: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION and
 * https://www.postgresql.org/docs/current/sql-copy.html (binary)
 */
export class CatchUpReader implements LogReader {
  readonly isCatchUp: boolean = true;
  readonly #options: CatchUpReaderOptions;
  readonly #closed = new AbortController();
  #listener: LogListener | null = null;
  readonly #arrivals: PieceArrivals;
  /** Where the pieces end that were asked for and are not read to their end. */
  readonly #pieces: bigint[] = [];
  /** The server prepares or sends the last of them. */
  #isAsked = false;
  /** There was nothing to ask for when the last piece had come: it is looked again when that is read. */
  #looksAgain = false;
  #isFirstRow = true;
  #rows = 0;
  /** What the server answered in place of the rows. */
  #refusal: WeirError | null = null;
  readonly #follower: SlotFollower;
  /** Where the last piece ended that was asked for. */
  #readTo = 0n;
  #hurry: AbortController | null = null;

  constructor(options: CatchUpReaderOptions) {
    this.#options = options;
    this.#follower = new SlotFollower({ ...options, failed: (error) => this.#listener?.failed(toWeirError(error)) });
    this.#arrivals = new PieceArrivals({
      connection: options.wire,
      later: options.later,
      taken: (chunk) => this.#listener?.arrived(chunk),
      complete: (isRefused) => this.#complete(isRefused),
    });
  }

  /** Every transaction comes at its end. */
  get protocol(): StreamProtocol {
    return { version: this.#options.version, streaming: false };
  }

  get failure(): WeirError | null {
    return this.#options.wire.failure;
  }

  start(_from: bigint, listener: LogListener): void {
    const { wire } = this.#options;
    this.#listener = listener;
    wire.onData = (chunk) => this.#arrivals.arrived(chunk);
    wire.onFailure = (error) => listener.failed(error);
    if (wire.failure !== null) listener.failed(wire.failure);
    void this.#next();
  }

  message(type: number, data: Uint8Array, start: number, end: number): void {
    if (type === COPY_DATA) this.#row(data, start, end);
    else if (type === ERROR_RESPONSE) this.#refuse(serverError(parseErrorResponse(data, start, end), 'reading a piece of the log'));
    else if (type === READY_FOR_QUERY && this.#pieces.length > 0) this.#pieceEnds(this.#pieces.shift()!);
  }

  #row(data: Uint8Array, start: number, end: number): void {
    const row = this.#isFirstRow ? start + FILE_HEADER : start;
    this.#isFirstRow = false;
    if (end - row > ROW_HEADER && data[row] === 0 && data[row + 1] === 1) {
      this.#rows++;
      this.#listener!.change(row + ROW_HEADER, end);
    } else if (end - row !== 2 || data[row] !== 0xff) {
      throw new WeirError('WEIR_PGOUTPUT_DAMAGED', `a piece of the log has a row of ${end - row} bytes that is not known`);
    }
  }

  /** Before the first row the WAL sender can take over; what is behind the refusal shows there, if it is not about pieces. */
  #refuse(refusal: WeirError): void {
    if (this.#rows > 0 || refusal.code === 'WEIR_PG_CONNECTION_LOST') throw refusal;
    this.#refusal = refusal;
  }

  /** The server has sent all of a piece: it can prepare the next one while this one is read. */
  #complete(isRefused: boolean): void {
    this.#isAsked = false;
    if (!isRefused) void this.#next();
  }

  #pieceEnds(end: bigint): void {
    this.#isFirstRow = true;
    this.#rows = 0;
    if (this.#refusal !== null) return this.#options.ended({ why: this.#refusal.message, end });
    // A commit that lies across the end has come, and is further.
    this.#listener!.keepalive(end, false);
    if (!this.#looksAgain) return;
    this.#looksAgain = false;
    void this.#next();
  }

  /** Asks for the next piece; waits while there is nothing new. Ends only when everything is read. */
  async #next(): Promise<void> {
    const { slot, near, ended, maxRepeated = MAX_REPEATED, pieces = PIECES } = this.#options;
    try {
      while (!this.#closed.signal.aborted) {
        const extent = await slot.extent();
        const { at, end, restart } = extent;
        if (this.#closed.signal.aborted) return;
        this.#checkPlace(extent);
        const behind = end - (this.#readTo > at ? this.#readTo : at);
        const isNear = near > 0n && behind < near;
        const repeated = at - restart;
        if ((isNear || repeated > maxRepeated) && this.#pieces.length > 0) return void (this.#looksAgain = true);
        if (isNear) return ended('caught up');
        if (behind <= 0n) {
          await this.#idle();
          continue;
        }
        const size = pieceBytes(repeated, pieces);
        const to = at + size < end ? at + size : end;
        if (repeated <= maxRepeated) return this.#ask(to);
        return ended({ why: `a transaction is open since ${repeated} bytes of log`, end: to });
      }
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#listener!.failed(toWeirError(error));
    }
  }

  /** Nobody but this one moves the slot. What was confirmed meanwhile may be in its place. */
  #checkPlace({ slot }: LogExtent): void {
    if (slot <= this.#follower.confirmed) return;
    throw new WeirError('WEIR_PG_SLOT_ADVANCED', `the replication slot was moved to ${formatLsn(slot)} while it was read`);
  }

  /** @param end on disk. Where it lies within a record, that one comes too */
  #ask(end: bigint): void {
    const { wire, slot, publications } = this.#options;
    this.#pieces.push(end);
    this.#isAsked = true;
    this.#readTo = end;
    const options = pluginOptions(publications, this.protocol).flat();
    const values = [slot.copy, formatLsn(end), null, ...options].map((value) => (value === null ? 'NULL' : quoteLiteral(value)));
    const sql = `SELECT data FROM pg_logical_slot_get_binary_changes(${values.join(', ')})`;
    wire.query(`COPY (${sql}) TO STDOUT (FORMAT binary)`);
  }

  async #idle(): Promise<void> {
    this.#hurry = new AbortController();
    const signal = AbortSignal.any([this.#hurry.signal, this.#closed.signal]);
    await this.#options.clock.sleep(IDLE_MS, signal).catch(() => {});
    this.#hurry = null;
  }

  status(confirmed: bigint, asksReply: boolean): void {
    this.#follower.confirm(confirmed);
    if (asksReply) this.#hurry?.abort();
  }

  /** Its transactions come whole in any case. */
  async withoutStreaming(): Promise<void> {
    await Promise.reject(new WeirError('WEIR_INTERNAL', 'a piece of the log held a streamed transaction'));
  }

  pause(): void {
    this.#arrivals.pause();
  }

  resume(): void {
    this.#arrivals.resume();
  }

  abandon(): void {
    this.#arrivals.stop();
    this.#options.wire.abandon();
  }

  /** Ends the piece that the server prepares, and moves the slot to what is durable. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    const { wire, slot } = this.#options;
    this.#listener = null;
    this.#arrivals.stop();
    wire.onFailure = () => {};
    // A server that is gone has ended it anyway.
    if (this.#isAsked) await slot.endPiece().catch(() => {});
    await this.#follower[Symbol.asyncDispose]();
    await wire[Symbol.asyncDispose]();
  }
}

/** How much new log a piece has. */
function pieceBytes(repeated: bigint, [least, largest]: readonly [bigint, bigint]): bigint {
  const size = repeated * 2n;
  if (size < least) return least;
  return size < largest ? size : largest;
}
