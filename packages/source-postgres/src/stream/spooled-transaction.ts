import { SpoolFile } from './spool-file.ts';
import { SubtransactionSet } from './subtransaction-set.ts';

/** A block of memory starts small, since most servers have many small open transactions, and grows up to this. */
const SMALLEST_BLOCK = 4 << 10;
const LARGEST_BLOCK = 64 << 10;
/** Type and length in front of a message. */
const HEADER = 5;

/**
 * The messages of one streamed transaction, framed as on the wire (`d`, length, message) and so to be read as the wire is.
 * The older ones may lie in a file, the younger ones in memory.
 */
export class SpooledTransaction {
  readonly #blocks: { readonly bytes: Buffer; used: number }[] = [];
  /** Its subtransactions that were rolled back: their messages are still here, and are not to be replayed. */
  readonly aborted: SubtransactionSet = new SubtransactionSet();
  #file: SpoolFile | null = null;
  #memory = 0;

  /** Bytes of memory that it holds. */
  get memory(): number {
    return this.#memory;
  }

  /** Bytes of disk that it holds. */
  get disk(): number {
    return this.#file?.size ?? 0;
  }

  /** Copies a message from `data[start, end)`. */
  keep(data: Uint8Array, start: number, end: number): void {
    this.#append(writeHeader(sharedHeader, end - start));
    for (let at = start; at < end; ) at += this.#append(data, at, end);
  }

  /** Moves what is in memory to the file. @throws WeirError WEIR_PG_SPOOL */
  async spill(directory: string): Promise<void> {
    this.#file ??= await SpoolFile.open(directory);
    for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
      await this.#file.append(block.bytes.subarray(0, block.used));
    }
    this.#memory = 0;
  }

  /** Puts a message behind all others into the file without a copy in memory. @throws WeirError WEIR_PG_SPOOL */
  async spillMessage(directory: string, message: Uint8Array): Promise<void> {
    await this.spill(directory);
    await this.#file!.append(writeHeader(Buffer.alloc(HEADER), message.length));
    await this.#file!.append(message);
  }

  /** The framed messages in their order, cut anywhere; a piece is valid until the next. @throws WeirError WEIR_PG_SPOOL */
  async *read(): AsyncGenerator<Uint8Array> {
    if (this.#file !== null) yield* this.#file.read();
    for (const { bytes, used } of this.#blocks) yield bytes.subarray(0, used);
  }

  close(): void {
    this.#file?.close();
    this.#blocks.length = 0;
  }

  /** Appends what fits into one block of `data[start, end)`, and says how much that was. */
  #append(data: Uint8Array, start = 0, end: number = data.length): number {
    let block = this.#blocks.at(-1);
    if (block === undefined || block.bytes.length - block.used < Math.min(HEADER, end - start)) {
      const size = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, this.#memory));
      block = { bytes: Buffer.allocUnsafeSlow(size), used: 0 };
      this.#blocks.push(block);
      this.#memory += size;
    }
    const size = Math.min(block.bytes.length - block.used, end - start);
    block.bytes.set(data.subarray(start, start + size), block.used);
    block.used += size;
    return size;
  }
}

/** For what is copied at once: kept messages are many. */
const sharedHeader = Buffer.alloc(HEADER);

function writeHeader(header: Buffer, length: number): Buffer {
  header[0] = 0x64; // d
  header.writeInt32BE(length + 4, 1);
  return header;
}
