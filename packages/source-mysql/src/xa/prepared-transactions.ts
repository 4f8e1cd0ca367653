import { WeirError, tableName, type Checkpoint, type Position, type TableName } from '@weir/sdk';
import { z } from 'zod';
import { KeptEvents } from './kept-events.ts';
import { xaFileState, type XaFile } from './xa-file.ts';
import { XaFolder } from './xa-folder.ts';

/** An XA transaction that is prepared, and neither committed nor rolled back. */
export interface PreparedXa {
  /** As `XaStep.xid`. */
  readonly xid: string;
  /** Its events; absent when it changes no captured table. */
  readonly file?: XaFile | undefined;
}

export const preparedXaState: z.ZodType<PreparedXa> = z.strictObject({ xid: z.string().min(1).max(300), file: xaFileState.optional() });

/** What may be in doubt at once. */
export interface XaLimits {
  readonly transactions: number;
  /** Of their files, and of the transaction that is coming. */
  readonly bytes: number;
}

export const XA_LIMITS: XaLimits = { transactions: 1000, bytes: 16 * 2 ** 30 };

export interface PreparedTransactionsOptions {
  /** Those of the checkpoint that the stream goes on from. */
  readonly prepared: readonly PreparedXa[];
  /** For their files; null where there is none. */
  readonly folder: string | null;
  /** For tests. */
  readonly limits?: XaLimits;
}

/** The XA transactions that are in doubt where the stream is, and the files that hold their events. */
export class PreparedTransactions {
  readonly #folder: XaFolder | null;
  readonly #limits: XaLimits;
  #all: readonly PreparedXa[] = [];
  /** Of all their files. */
  #bytes = 0;

  constructor({ prepared, folder, limits = XA_LIMITS }: PreparedTransactionsOptions) {
    this.#put(prepared);
    this.#folder = folder === null ? null : new XaFolder(folder);
    this.#limits = limits;
  }

  /** For a checkpoint: the same array while nothing changed; undefined when there are none. */
  get state(): readonly PreparedXa[] | undefined {
    return this.#all.length === 0 ? undefined : this.#all;
  }

  /** What is prepared can be kept. */
  get isDurable(): boolean {
    return this.#folder !== null;
  }

  /** Bytes that the transaction that is coming may have. */
  get room(): number {
    return this.#limits.bytes - this.#bytes;
  }

  /**
   * Before the stream begins: every file is there as it was written. Removes what was left of files that were never whole.
   * @throws WeirError WEIR_MYSQL_XA_FILE
   */
  async check(): Promise<void> {
    for (const { file } of this.#all) if (file !== undefined) await this.#folderOf(file).check(file);
    await this.#folder?.removeParts();
  }

  /** Another one begins. */
  begin(): KeptEvents {
    return new KeptEvents(this.#folder);
  }

  /**
   * It is prepared: in the state from when this resolves on, and on the disk before.
   * @param position behind the PREPARE
   * @throws WeirError WEIR_MYSQL_XA_LIMIT, WEIR_MYSQL_XA_WRITE
   */
  async prepare(xid: string, events: KeptEvents, position: Position): Promise<void> {
    const others = this.#all.filter((each) => each.xid !== xid);
    if (others.length >= this.#limits.transactions) {
      throw new WeirError('WEIR_MYSQL_XA_LIMIT', `more than ${this.#limits.transactions} XA transactions are prepared and not committed`);
    }
    const prepared = events.captured === null ? { xid } : { xid, file: await events.publish(position) };
    this.#put([...others, prepared]);
  }

  /** The one of this name; null when none is known. */
  get(xid: string): PreparedXa | null {
    return this.#all.find((each) => each.xid === xid) ?? null;
  }

  /** It was committed, or rolled back. Its file stays until a checkpoint behind that is confirmed. */
  remove(xid: string): void {
    if (this.get(xid) !== null) this.#put(this.#all.filter((each) => each.xid !== xid));
  }

  /** The events of one that is prepared. @throws WeirError WEIR_MYSQL_XA_FILE */
  events(file: XaFile): AsyncGenerator<Uint8Array> {
    return this.#folderOf(file).events(file);
  }

  /** Why one that has more than {@link room} is refused. @param table that it changes */
  tooLarge(table: TableName): WeirError {
    const message = `XA transactions that are not committed have more than ${this.#limits.bytes} bytes`;
    return new WeirError('WEIR_MYSQL_XA_LIMIT', message, { table: tableName(table) });
  }

  /** Nothing goes on from before this checkpoint any more (invariant 1). @throws Error what the file system refuses */
  async confirmed({ position, state }: Checkpoint): Promise<void> {
    const { prepared = [] } = state as unknown as { readonly prepared?: readonly PreparedXa[] };
    await this.#folder?.confirmed(position, new Set(prepared.flatMap(({ file }) => (file === undefined ? [] : [file.name]))));
  }

  #put(all: readonly PreparedXa[]): void {
    this.#all = all;
    this.#bytes = all.reduce((sum, { file }) => sum + (file?.bytes ?? 0), 0);
  }

  #folderOf({ name }: XaFile): XaFolder {
    if (this.#folder !== null) return this.#folder;
    throw new WeirError('WEIR_MYSQL_XA_FILE', `the checkpoint needs the file of a prepared XA transaction, ${name}, and this pipeline has no folder`);
  }
}
