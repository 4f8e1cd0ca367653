import type { LogPosition } from '@weir/binlog';
import { query, serverVersion, type MysqlClient } from '@weir/mysql';
import { toWeirError, WeirError, type ConnectorContext } from '@weir/sdk';
import { fileNumber } from './position.ts';
import { statusStatement } from './server-log.ts';

/** How often the server is asked where its log ends, in ms. */
const WATCH_MS = 2_000;

/** Looks how far behind the end of the server's log a pipeline is, and whether the server is about to remove what is not read yet. */
export class LogWatch {
  readonly #client: MysqlClient;
  readonly #context: ConnectorContext;
  /** The number of a file, and the byte in it, up to which everything is durable. */
  #confirmed: { readonly file: number; readonly offset: number };
  /** Files that the server has, by their numbers, with their sizes. */
  #files: ReadonlyMap<number, number> = new Map();
  #end: { readonly file: number; readonly offset: number } | null = null;
  #hasWarned = false;
  #failure: WeirError | null = null;
  /** Called when there is a {@link failure}. */
  onFailure: () => void = () => {};

  constructor(client: MysqlClient, context: ConnectorContext, from: LogPosition) {
    this.#client = client;
    this.#context = context;
    this.#confirmed = { file: fileNumber(from.file), offset: from.offset };
  }

  /** Everything up to there is durable. @param file its number */
  confirmed(file: number, offset: number): void {
    const { file: before, offset: at } = this.#confirmed;
    if (file > before || (file === before && offset > at)) this.#confirmed = { file, offset };
  }

  /** Bytes between what was confirmed and the end of the log; null before the first look. */
  get lagBytes(): number | null {
    if (this.#end === null) return null;
    const { file, offset } = this.#confirmed;
    let bytes = this.#end.offset - offset;
    for (const [number, size] of this.#files) if (number >= file && number < this.#end.file) bytes += size;
    return Math.max(0, bytes);
  }

  /** The end of the log went back: it began anew, and a server may let a reader of the old one wait for what never comes. */
  get failure(): WeirError | null {
    return this.#failure;
  }

  /** Looks again and again. Does not fail: a server that is gone ends the stream as well. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, pipeline } = this.#context;
    while (!signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        if (!signal.aborted) log.debug({ pipeline, code: toWeirError(error).code }, 'the end of the log could not be asked for');
        return;
      }
      await clock.sleep(WATCH_MS, signal).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const [status] = await query(this.#client, statusStatement(await serverVersion(this.#client)));
    const files = await query(this.#client, 'SHOW BINARY LOGS');
    if (status === undefined) return;
    const end = { file: fileNumber(status[0]!), offset: Number(status[1]) };
    const before = this.#end;
    if (before !== null && (end.file - before.file || end.offset - before.offset) < 0) {
      this.#failure ??= new WeirError('WEIR_MYSQL_LOG_BEHIND', `the log of the server began anew while it was read: it ends at ${status[0]!}:${end.offset}`);
      this.onFailure();
    }
    this.#end = end;
    this.#files = new Map(files.map(([name, size]) => [fileNumber(name!), Number(size)]));
    this.#warn();
  }

  /** The next file that the server removes is one that is still to be read. */
  #warn(): void {
    const { file } = this.#confirmed;
    const oldest = Math.min(...this.#files.keys());
    const isNext = this.#end !== null && file > 0 && file <= oldest && this.#end.file > oldest;
    if (isNext && !this.#hasWarned) {
      const { log, pipeline } = this.#context;
      log.warn({ pipeline }, 'the pipeline reads the oldest log that the server has; it may remove it before it is read (binlog_expire_logs_seconds)');
    }
    this.#hasWarned = isNext;
  }
}
