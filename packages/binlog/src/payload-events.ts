import { createZstdDecompress } from 'node:zlib';
import { EventType, damaged } from './event-type.ts';
import { HEADER_BYTES, SIZE_OFFSET } from './event-reader.ts';
import { inflateEvent } from './inflate-event.ts';
import type { Payload } from './payload.ts';

/** The most that a server takes for an event (`max_allowed_packet`). */
const MAX_EVENT = 1 << 30;

/**
 * The events of a payload, one by one, for `decodeInner`; each is valid until the next is asked for. Beside the compressed bytes it holds one event at a time and what
 * the inflating stream has ready, whatever the size of the transaction (invariant 8).
 * @param bytes the compressed bytes, copied out of the slab
 * @throws WeirError WEIR_BINLOG_DAMAGED
 */
export async function* payloadEvents({ compression, size }: Payload, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (compression === 'zlib') {
    yield inflateEvent(bytes);
    return;
  }
  const events = new EventCutter();
  let inflated = 0;
  for await (const chunk of compression === 'none' ? [bytes] : inflatedChunks(bytes)) {
    inflated += chunk.length;
    if (size !== null && inflated > size) throw failed(inflated, 'more comes out than the payload says');
    yield* events.cut(chunk);
  }
  if (size !== null && inflated !== size) throw failed(inflated, 'less comes out than the payload says');
  events.close();
}

async function* inflatedChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const stream = createZstdDecompress();
  stream.end(bytes);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw failed(0, `its content cannot be inflated (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  } finally {
    stream.destroy();
  }
}

/** Cuts a stream of events into events. */
class EventCutter {
  /** The event that is not whole yet: its first `#length` bytes. */
  #partial = Buffer.alloc(4096);
  #length = 0;

  *cut(chunk: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    while (at < chunk.length) {
      const needed = this.#length < HEADER_BYTES ? HEADER_BYTES : this.#size();
      const taken = Math.min(needed - this.#length, chunk.length - at);
      this.#append(chunk.subarray(at, at + taken), needed);
      at += taken;
      if (this.#length >= HEADER_BYTES && this.#length === this.#size()) {
        const event = this.#partial.subarray(0, this.#length);
        this.#length = 0;
        yield event;
      }
    }
  }

  close(): void {
    if (this.#length > 0) throw failed(this.#length, 'its last event is cut off');
  }

  #size(): number {
    const size = this.#partial.readUInt32LE(SIZE_OFFSET);
    if (size < HEADER_BYTES || size > MAX_EVENT) throw failed(0, 'an event in it has no such size');
    return size;
  }

  /** Grown by what has come, not by what an event says it will be. */
  #append(bytes: Uint8Array, needed: number): void {
    const length = this.#length + bytes.length;
    if (length > this.#partial.length) {
      const larger = Buffer.alloc(Math.max(length, Math.min(needed, this.#partial.length * 2)));
      larger.set(this.#partial.subarray(0, this.#length));
      this.#partial = larger;
    }
    this.#partial.set(bytes, this.#length);
    this.#length = length;
  }
}

function failed(offset: number, what: string): Error {
  return damaged(EventType.transactionPayload, offset, what);
}
