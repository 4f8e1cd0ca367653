import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Position } from '@weir/sdk';
import { XaFileWriter, syncFolder, writing, xaFileEvents, type XaFile } from './xa-file.ts';

const WHOLE = '.xa';
const PART = '.part';

/**
 * The folder with the events of prepared XA transactions, a file for each. A file is named after the place of its PREPARE, so that
 * reading the log once more writes the same file again, and checkpoints of before keep theirs.
 */
export class XaFolder {
  readonly #path: string;
  /** The files that are there; null before that was looked up. */
  #names: Set<string> | null = null;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  /** A file to be written. @throws WeirError WEIR_MYSQL_XA_WRITE */
  async write(): Promise<XaFileWriter> {
    await writing(this.#path, async () => await makeFolder(this.#path));
    return await XaFileWriter.open(this.#path, `${randomUUID()}${PART}`);
  }

  /**
   * Gives a file that is whole its name. It is on the disk then.
   * @param prepared the position behind its PREPARE
   * @throws WeirError WEIR_MYSQL_XA_WRITE
   */
  async publish(writer: XaFileWriter, prepared: Position): Promise<XaFile> {
    const file = await writer.publish(`${prepared}${WHOLE}`);
    (await this.#known()).add(file.name);
    return file;
  }

  /** See {@link xaFileEvents}. */
  events(file: XaFile): AsyncGenerator<Uint8Array> {
    return xaFileEvents(this.#path, file);
  }

  /** Reads a file from end to end. @throws WeirError WEIR_MYSQL_XA_FILE when it is not there as it was written */
  async check(file: XaFile): Promise<void> {
    const events = this.events(file);
    while ((await events.next()).done !== true);
  }

  /** Removes what a process left that ended while it wrote. Nobody else may be writing. */
  async removeParts(): Promise<void> {
    for (const name of await namesIn(this.#path, PART)) await rm(join(this.#path, name), { force: true });
  }

  /**
   * No start goes on from before this position any more: removes the files of PREPAREs up to there that it does not need. What
   * was prepared behind it is needed by checkpoints behind it.
   * @param needed the names of files that the checkpoint there lists
   * @throws Error what the file system refuses; it is tried again at the next one
   */
  async confirmed(position: Position, needed: ReadonlySet<string>): Promise<void> {
    const known = await this.#known();
    for (const name of known) {
      if (needed.has(name) || name.slice(0, -WHOLE.length) > position) continue;
      await rm(join(this.#path, name), { force: true });
      known.delete(name);
    }
  }

  async #known(): Promise<Set<string>> {
    return (this.#names ??= new Set(await namesIn(this.#path, WHOLE)));
  }
}

async function namesIn(folder: string, ending: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(ending));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A new folder lasts when its entry in its parent is on the disk. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let folder = path; folder !== dirname(first); folder = dirname(folder)) await syncFolder(dirname(folder));
}
