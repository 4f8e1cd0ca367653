import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { HEADER_BYTES, SIZE_OFFSET } from '@weir/binlog';
import { WeirError } from '@weir/sdk';
import { z } from 'zod';

/** A file with the events of one XA transaction, as the state of a checkpoint lists it. */
export interface XaFile {
  /** In the folder of the pipeline. */
  readonly name: string;
  /** Its length. */
  readonly bytes: number;
  /** Of all of it, hexadecimal. */
  readonly sha256: string;
}

/** A name is a position (see `boundaryPosition`) and nothing else: it leads into no other folder. */
export const xaFileState: z.ZodType<XaFile> = z.strictObject({
  name: z.string().regex(/^[\d.]{1,60}\.xa$/u),
  bytes: z.int().min(HEADER_BYTES),
  sha256: z.string().regex(/^[\da-f]{64}$/u),
});

/** Bytes that are read at once. */
const READ_BYTES = 256 << 10;

/** Writes a file under a name that nobody reads, and then gives it its own. */
export class XaFileWriter implements AsyncDisposable {
  readonly #folder: string;
  readonly #part: string;
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash('sha256');
  #bytes = 0;

  private constructor(folder: string, part: string, file: FileHandle) {
    this.#folder = folder;
    this.#part = part;
    this.#file = file;
  }

  /** @param part its name until it is whole @throws WeirError WEIR_MYSQL_XA_WRITE */
  static async open(folder: string, part: string): Promise<XaFileWriter> {
    return await writing(folder, async () => new XaFileWriter(folder, part, await open(join(folder, part), 'wx', 0o600)));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param events one or more, whole @throws WeirError WEIR_MYSQL_XA_WRITE, when the disk is full for example */
  async append(events: Uint8Array): Promise<void> {
    await writing(this.#folder, async () => await this.#file.writeFile(events));
    this.#hash.update(events);
    this.#bytes += events.length;
  }

  /**
   * The file is whole, and on the disk under its name, where it replaces one that was there.
   * @throws WeirError WEIR_MYSQL_XA_WRITE
   */
  async publish(name: string): Promise<XaFile> {
    await writing(this.#folder, async () => {
      await this.#file.sync();
      await this.#file.close();
      await rename(join(this.#folder, this.#part), join(this.#folder, name));
      await syncFolder(this.#folder);
    });
    return { name, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  /** What was appended so far, to be read before the writer is disposed; nothing is appended after it. */
  written(): XaFile {
    return { name: this.#part, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  /** Removes what was not published. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(join(this.#folder, this.#part), { force: true }).catch(() => {});
  }
}

/**
 * The events of a file, one by one; each is valid until the next is asked for. Whoever takes them has all of them only when this has
 * ended: that the file is the one that was written is known then.
 * @throws WeirError WEIR_MYSQL_XA_FILE when it is missing, cannot be read, or is not what was written
 */
export async function* xaFileEvents(folder: string, file: XaFile): AsyncGenerator<Uint8Array> {
  const handle = await reading(file, async () => await open(join(folder, file.name)));
  try {
    const { size } = await reading(file, async () => await handle.stat());
    if (size !== file.bytes) throw damaged(file, `has ${size} bytes instead of ${file.bytes}`);
    yield* cutEvents(handle, file);
  } finally {
    await handle.close();
  }
}

async function* cutEvents(handle: FileHandle, file: XaFile): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let held = Buffer.alloc(READ_BYTES);
  /** What was read and not given is `held[first, last)`. */
  let first = 0;
  let last = 0;
  for (let read = 0; read < file.bytes; ) {
    const needed = sizeOfEvent(held.subarray(first, last)) ?? HEADER_BYTES;
    if (needed < HEADER_BYTES || needed > last - first + file.bytes - read) throw damaged(file, 'has an event that is longer than the file');
    const larger = needed > held.length ? Buffer.alloc(Math.max(needed, READ_BYTES)) : held;
    held.copy(larger, 0, first, last);
    held = larger;
    last -= first;
    first = 0;
    const { bytesRead } = await reading(file, async () => await handle.read(held, last, held.length - last, read));
    if (bytesRead === 0) throw damaged(file, 'ends early');
    hash.update(held.subarray(last, last + bytesRead));
    last += bytesRead;
    read += bytesRead;
    for (let size = sizeOfEvent(held.subarray(first, last)); size !== null && size >= HEADER_BYTES && size <= last - first; ) {
      yield held.subarray(first, first + size);
      first += size;
      size = sizeOfEvent(held.subarray(first, last));
    }
  }
  if (first !== last) throw damaged(file, 'ends in the middle of an event');
  if (hash.digest('hex') !== file.sha256) throw damaged(file, 'has another checksum');
}

/** Of the event that begins there; null where its header is not whole. */
function sizeOfEvent(bytes: Buffer): number | null {
  return bytes.length < HEADER_BYTES ? null : bytes.readUInt32LE(SIZE_OFFSET);
}

/** What was done in a folder lasts when the folder is on the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the file system refuses, with the folder and the system's code. @throws WeirError WEIR_MYSQL_XA_WRITE */
export async function writing<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new WeirError('WEIR_MYSQL_XA_WRITE', `an XA transaction cannot be kept in ${folder}: ${systemCode(error)}`, { cause: error });
  }
}

async function reading<Result>(file: XaFile, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error);
    throw damaged(file, code === 'ENOENT' ? 'is not there' : `cannot be read: ${code}`, error);
  }
}

function systemCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}

function damaged({ name }: XaFile, what: string, cause?: unknown): WeirError {
  return new WeirError('WEIR_MYSQL_XA_FILE', `the file of a prepared XA transaction, ${name}, ${what}`, { cause });
}
