import { EventType, HEADER_BYTES, TYPE_OFFSET } from '@weir/binlog';
import type { Position, TableName } from '@weir/sdk';
import type { XaFile, XaFileWriter } from './xa-file.ts';
import type { XaFolder } from './xa-folder.ts';

/** Events that are in memory at once where there is a folder, in bytes, beside the one that came last (invariant 8). */
export const MEMORY_BYTES: number = 1 << 20;
/** In front of a table's name in a TABLE_MAP: its number and flags. */
const TABLE_ID_BYTES = 8;

/** The events of an XA transaction from its start on: in memory, and what is more than {@link MEMORY_BYTES} in a file. */
export class KeptEvents implements AsyncDisposable {
  /** The first captured table that it changes. */
  captured: TableName | null = null;
  readonly #folder: XaFolder | null;
  #events: Uint8Array[] = [];
  #memory = 0;
  #bytes = 0;
  #writer: XaFileWriter | null = null;
  #isDropped = false;

  /** @param folder null: everything is in memory */
  constructor(folder: XaFolder | null) {
    this.#folder = folder;
  }

  /** Of all events so far, those that were dropped too. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of events that are in memory. */
  get memory(): number {
    return this.#memory;
  }

  /** {@link spill} is to be called before the next event. */
  get overflows(): boolean {
    return this.#folder !== null && (this.#memory > MEMORY_BYTES || (this.#isDropped && this.#writer !== null));
  }

  /** Takes a copy of an event. */
  keep(event: Uint8Array, isCaptured: (table: TableName) => boolean): void {
    if (event[TYPE_OFFSET] === EventType.tableMap && this.captured === null) {
      const table = tableOf(event);
      if (isCaptured(table)) this.captured = table;
    }
    this.#bytes += event.length;
    if (this.#isDropped) return;
    this.#memory += event.length;
    this.#events.push(event.slice());
  }

  /** It is so large that only its length and its tables are of interest any more. */
  drop(): void {
    this.#isDropped = true;
    this.#events = [];
    this.#memory = 0;
  }

  /** Moves what is in memory to the file. @throws WeirError WEIR_MYSQL_XA_WRITE */
  async spill(): Promise<void> {
    if (this.#isDropped) return await this[Symbol.asyncDispose]();
    this.#writer ??= await this.#folder!.write();
    await this.#writer.append(Buffer.concat(this.#events));
    this.#events = [];
    this.#memory = 0;
  }

  /**
   * It is complete: all of it is on the disk under its name. Where there is no folder this is not to be called.
   * @param prepared the position behind its PREPARE
   * @throws WeirError WEIR_MYSQL_XA_WRITE
   */
  async publish(prepared: Position): Promise<XaFile> {
    await this.spill();
    return await this.#folder!.publish(this.#writer!, prepared);
  }

  /** All of them, in their order; each is valid until the next is asked for. @throws WeirError WEIR_MYSQL_XA_FILE */
  async *events(): AsyncGenerator<Uint8Array> {
    if (this.#writer !== null) yield* this.#folder!.events(this.#writer.written());
    yield* this.#events;
  }

  /** Forgets them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]();
    this.#writer = null;
  }
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html */
function tableOf(event: Uint8Array): TableName {
  const database = HEADER_BYTES + TABLE_ID_BYTES;
  const name = database + 1 + event[database]! + 1;
  const text = (at: number): string => Buffer.from(event.subarray(at + 1, at + 1 + event[at]!)).toString();
  return { namespace: text(database), name: text(name) };
}
