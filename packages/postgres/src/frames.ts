import { WeirError, type BatchWriter } from '@weir/sdk';

/** A message longer than this is damage: PostgreSQL's own limit of an allocation is 1 GiB. */
const MAX_FRAME = 0x4000_0000;
/** So much of a message has arrived before its length is believed and room is made for all of it. */
const BELIEVED_BYTES = 64 << 10;
/** The chunk with a message's end has others behind it. */
const CHUNK_BYTES = 128 << 10;

export type FrameHandler = (type: number, start: number, end: number) => void;

/**
 * Cuts the bytes that arrive into protocol messages (one type byte, four of length), in the slab of a batch writer.
 * `consumed` is the offset of the first byte that is not handled yet; it moves to 0 with `rebase` when a batch closes.
 */
export class Frames {
  consumed = 0;
  #held = false;

  /** Appends a chunk and calls `handle` for every whole message: its type and its body's place in `writer.data`. */
  feed(writer: BatchWriter, chunk: Uint8Array, handle: FrameHandler): void {
    writer.append(chunk);
    this.resume(writer, handle);
  }

  /** No message after the current one is handled before `resume`. Said by `handle`. */
  hold(): void {
    this.#held = true;
  }

  /** `hold` was said, so there may be whole messages that are not handled yet. */
  get held(): boolean {
    return this.#held;
  }

  /** Handles the whole messages that have been fed already. */
  resume(writer: BatchWriter, handle: FrameHandler): void {
    this.#held = false;
    while (!this.#held && writer.used - this.consumed >= 5) {
      const { data } = writer;
      const at = this.consumed;
      const length = ((data[at + 1]! << 24) | (data[at + 2]! << 16) | (data[at + 3]! << 8) | data[at + 4]!) >>> 0;
      if (length < 4 || length > MAX_FRAME) {
        throw new WeirError('WEIR_PGOUTPUT_DAMAGED', `a message of the connection claims a length of ${length} bytes`);
      }
      const end = at + 1 + length;
      if (end > writer.used) {
        // One allocation for a large message, instead of one for each time that its bytes outgrow the slab.
        if (writer.used - at >= BELIEVED_BYTES) writer.reserve(end - writer.used + CHUNK_BYTES);
        return;
      }
      this.consumed = end;
      handle(data[at]!, at + 5, end);
    }
  }

  /** Forgets handled bytes that no row refers to. Only for a writer without rows. */
  compact(writer: BatchWriter): void {
    if (this.consumed === 0) return;
    writer.data.copyWithin(0, this.consumed, writer.used);
    writer.truncate(writer.used - this.consumed);
    this.consumed = 0;
  }

  /** The writer closed its batch and kept the bytes from `consumed` on at its start. */
  rebase(): void {
    this.consumed = 0;
  }
}
