import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '@weir/sdk';

/** Bytes that are read at once. */
const READ_BYTES = 256 << 10;

/**
 * A temporary file that only this process can see: readable for its user alone, and unlinked as soon as it is open, so
 * nothing is left however the process ends. Written from front to back, then read once.
 */
export class SpoolFile {
  readonly #directory: string;
  readonly #file: FileHandle;
  #size = 0;

  private constructor(directory: string, file: FileHandle) {
    this.#directory = directory;
    this.#file = file;
  }

  /** @throws WeirError WEIR_PG_SPOOL */
  static async open(directory: string): Promise<SpoolFile> {
    const path = join(directory, `weir-spool-${randomUUID()}`);
    return await spooling(directory, async () => {
      const file = await open(path, 'wx+', 0o600);
      await unlink(path);
      return new SpoolFile(directory, file);
    });
  }

  get size(): number {
    return this.#size;
  }

  /** Appends all of the bytes. @throws WeirError WEIR_PG_SPOOL, when the disk is full for example */
  async append(bytes: Uint8Array): Promise<void> {
    await spooling(this.#directory, async () => {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await this.#file.write(bytes, written, bytes.length - written, this.#size);
        written += bytesWritten;
        this.#size += bytesWritten;
      }
    });
  }

  /** Everything, piece by piece; a piece is valid until the next. @throws WeirError WEIR_PG_SPOOL */
  async *read(): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, this.#size));
    for (let at = 0; at < this.#size; ) {
      const { bytesRead } = await spooling(
        this.#directory,
        async () => await this.#file.read(buffer, 0, Math.min(buffer.length, this.#size - at), at),
      );
      if (bytesRead === 0) throw new WeirError('WEIR_PG_SPOOL', `a temporary file in ${this.#directory} ends early`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Gives the disk back. */
  close(): void {
    this.#file.close().catch(() => {});
  }
}

/** What the file system refuses, with the folder and the system's code; nothing that was to be written (invariant 10). */
async function spooling<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new WeirError('WEIR_PG_SPOOL', `a temporary file in ${directory}: ${code}`, { cause: error });
  }
}
