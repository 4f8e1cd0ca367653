/** Bytes that may wait while the stream is busy (invariant 8). A small piece fits. */
const AHEAD_BYTES = 32 << 20;

/** Bytes that may wait beyond that, of all pipelines of a process together. Nearly every piece fits where one catches up. */
export interface SharedBytes {
  readonly limit: number;
  used: number;
}

const sharedBytes: SharedBytes = { limit: 64 << 20, used: 0 };

const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;
/** Type and length. */
const MESSAGE_HEADER = 5;

/** The connection that pieces come over. */
export interface PieceConnection {
  pause(): void;
  resume(): void;
}

export interface PieceArrivalsOptions {
  readonly connection: PieceConnection;
  /** Takes the bytes in their order, none while it is paused. */
  readonly taken: (chunk: Uint8Array) => void;
  /** All of a piece has arrived, whether it is taken or waits. @param isRefused an error came in its place */
  readonly complete: (isRefused: boolean) => void;
  /** Bytes that may wait; 32 MiB by default. */
  readonly limit?: number;
  /** What may wait beyond; by default 64 MiB for the process. */
  readonly shared?: SharedBytes;
  /** Does something once what has come meanwhile is read; `setImmediate` by default. */
  readonly later?: ((work: () => void) => void) | undefined;
}

/**
 * What the server has sent of pieces, until it is taken. It goes on reading while the stream is busy, and sees by itself where
 * a piece ends: so the server is done with it soon, and prepares the next one while the sinks load.
 */
export class PieceArrivals {
  readonly #options: PieceArrivalsOptions;
  readonly #limit: number;
  readonly #shared: SharedBytes;
  readonly #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isPaused = false;
  #isStopped = false;
  #isFull = false;
  #isHanding = false;
  #isScheduled = false;
  /** The message that is passed over: bytes of its header, how many there are, and bytes of its body that are to come. */
  readonly #header = Buffer.alloc(MESSAGE_HEADER);
  #headerBytes = 0;
  #body = 0;
  #isRefused = false;

  constructor(options: PieceArrivalsOptions) {
    this.#options = options;
    this.#limit = options.limit ?? AHEAD_BYTES;
    this.#shared = options.shared ?? sharedBytes;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the connection, valid until this returns: what has to wait is copied. */
  arrived(chunk: Uint8Array): void {
    if (this.#isStopped) return;
    const isBusy = this.#isPaused || this.#isHanding;
    if (!isBusy && this.#waiting.length === 0) {
      this.#hand(chunk);
    } else {
      this.#waiting.push(new Uint8Array(chunk));
      this.#count(chunk.length);
      if (!isBusy) this.#handNext();
    }
    this.#flow();
    if (!this.#isStopped) this.#walk(chunk);
  }

  /** Nothing is taken until `resume`. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#goOnSoon();
  }

  /** Nothing is taken any more. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.length = 0;
    this.#count(-this.#bytes);
  }

  /**
   * Not at once: whoever takes is in the middle of something. Who is given more than it can hold pauses again. What has come
   * meanwhile is read first, so that the server is done with the piece the sooner.
   */
  #goOnSoon(): void {
    if (this.#isPaused || this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    const { later = setImmediate } = this.#options;
    later(() => {
      this.#isScheduled = false;
      if (this.#isPaused || this.#waiting.length === 0) return;
      this.#handNext();
      this.#flow();
      this.#goOnSoon();
    });
  }

  #handNext(): void {
    const chunk = this.#waiting.shift()!;
    this.#count(-chunk.length);
    this.#hand(chunk);
  }

  #count(bytes: number): void {
    const beyond = (all: number): number => Math.max(0, all - this.#limit);
    this.#shared.used += beyond(this.#bytes + bytes) - beyond(this.#bytes);
    this.#bytes += bytes;
  }

  #hand(chunk: Uint8Array): void {
    this.#isHanding = true;
    try {
      this.#options.taken(chunk);
    } finally {
      this.#isHanding = false;
    }
  }

  #flow(): void {
    const isFull = this.#bytes >= this.#limit && this.#shared.used >= this.#shared.limit;
    if (isFull === this.#isFull || this.#isStopped) return;
    this.#isFull = isFull;
    if (isFull) this.#options.connection.pause();
    else this.#options.connection.resume();
  }

  /** Passes over the messages of a chunk. */
  #walk(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerBytes < MESSAGE_HEADER) {
        this.#header[this.#headerBytes++] = chunk[at++]!;
        if (this.#headerBytes < MESSAGE_HEADER) continue;
        this.#body = this.#header.readInt32BE(1) - 4;
      }
      const passed = Math.min(this.#body, chunk.length - at);
      this.#body -= passed;
      at += passed;
      if (this.#body > 0) return;
      this.#headerBytes = 0;
      this.#passed(this.#header[0]!);
    }
  }

  #passed(type: number): void {
    if (type === ERROR_RESPONSE) this.#isRefused = true;
    if (type !== READY_FOR_QUERY) return;
    const isRefused = this.#isRefused;
    this.#isRefused = false;
    this.#options.complete(isRefused);
  }
}
