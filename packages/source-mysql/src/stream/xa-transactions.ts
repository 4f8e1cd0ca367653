import type { Gtid, LogPosition, XaHost, XaStep } from '@weir/binlog';
import { WeirError, tableName, type BatchWriter, type Position, type TableName } from '@weir/sdk';
import type { CommittedXa } from '../copy/chunk-snapshot.ts';
import type { KeptEvents } from '../xa/kept-events.ts';
import type { PreparedTransactions } from '../xa/prepared-transactions.ts';

export interface XaTransactionsOptions {
  /** Events lie in its slab. */
  readonly writer: BatchWriter;
  readonly prepared: PreparedTransactions;
  readonly isCaptured: (table: TableName) => boolean;
  /** Whether a step was delivered before. @param end behind it */
  readonly isPast: (gtid: Gtid | null, end: LogPosition) => boolean;
  /** The position of a boundary. */
  readonly positionOf: (end: LogPosition) => Position;
  /** A step that is a transaction of its own is complete: a boundary. */
  readonly ended: (gtid: Gtid | null, end: LogPosition) => void;
  /** One commits that was prepared before the pipeline read the log: what it changed is not known. */
  readonly missed: () => void;
}

/** What the events of an XA transaction may take where they cannot be kept in a file, in bytes (invariant 8). */
const MOST_IN_MEMORY = 64 << 20;
/** So many of those that committed last are remembered. */
const MOST_COMMITTED = 10_000;

/**
 * XA transactions. The rows come in front of a PREPARE, and count at a COMMIT under another GTID, which may come much later: they are
 * kept in a file from the one to the other. One that commits in one phase is replayed at once.
 *
 * ```ts
 * decoder.decode(writer, start, end);
 * if (xa.isDue) await xa.carryOut();
 * if (xa.replay !== null) // decode these, and call replayed() in front of the end
 * ```
 */
export class XaTransactions implements XaHost, AsyncDisposable {
  readonly #options: XaTransactionsOptions;
  /** Of the transaction whose events come now, or that is replayed out of them. */
  #events: KeptEvents | null = null;
  /** Of one that is over: to be given back. */
  #over: KeptEvents | null = null;
  #prepares: XaStep | null = null;
  #commits: { readonly xid: string; readonly end: LogPosition; readonly isMissed: boolean } | null = null;
  /** Those of two phases that were delivered, the last of them last. */
  readonly #committed = new Map<string, LogPosition>();
  /** Events that are to be decoded before the next one; null when there is no replay. */
  replay: AsyncGenerator<Uint8Array> | null = null;

  constructor(options: XaTransactionsOptions) {
    this.#options = options;
  }

  /** Those of two phases whose rows were delivered, the last {@link MOST_COMMITTED} of them. */
  get committed(): CommittedXa[] {
    // The server has no two of one name at once: what is in doubt again is done with.
    const inDoubt = new Set(this.#options.prepared.state?.map(({ xid }) => xid));
    return [...this.#committed].flatMap(([xid, end]) => (inDoubt.has(xid) ? [] : [{ xid, end }]));
  }

  start(): void {
    this.#events = this.#options.prepared.begin();
  }

  keep(start: number, end: number): void {
    const { writer, prepared, isCaptured } = this.#options;
    const events = this.#events!;
    events.keep(writer.data.subarray(start, end), isCaptured);
    if (events.bytes <= (prepared.isDurable ? prepared.room : MOST_IN_MEMORY)) return;
    // Tables that nobody captures are not replayed.
    if (events.captured === null) events.drop();
    else if (prepared.isDurable) throw prepared.tooLarge(events.captured);
    else throw refused(events.captured, `has more than ${MOST_IN_MEMORY >> 20} MiB`);
  }

  /** {@link carryOut} is to be called before the next event. */
  get isDue(): boolean {
    return this.#prepares !== null || this.#over !== null || this.#events?.overflows === true;
  }

  /** @throws WeirError WEIR_MYSQL_XA_WRITE, WEIR_MYSQL_XA_LIMIT */
  async carryOut(): Promise<void> {
    await this.#over?.[Symbol.asyncDispose]();
    this.#over = null;
    if (this.#events?.overflows === true) await this.#events.spill();
    const step = this.#prepares;
    if (step === null) return;
    const { prepared, isPast, positionOf, ended } = this.#options;
    await using events = this.#events!;
    this.#events = null;
    this.#prepares = null;
    if (!isPast(step.gtid, step.end)) await prepared.prepare(step.xid, events, positionOf(step.end));
    ended(step.gtid, step.end);
  }

  prepare(step: XaStep): void {
    const { captured } = this.#events!;
    if (captured !== null && !this.#options.prepared.isDurable) throw refused(captured, 'is prepared, and commits later');
    this.#prepares = step;
  }

  /** In one phase, or of what was prepared before. */
  commit({ xid, gtid, end }: XaStep): void {
    const { prepared, isPast } = this.#options;
    const events = this.#events;
    const known = prepared.get(xid);
    this.#commits = { xid, end, isMissed: events === null && known === null && !isPast(gtid, end) };
    if (events !== null) this.replay = events.captured === null ? eventsOf([]) : events.events();
    else this.replay = known?.file === undefined ? eventsOf([]) : prepared.events(known.file);
    if (events === null && known?.file !== undefined) this.#remember(xid, end);
  }

  /** What was to be replayed is decoded. No batch may be closed between this and the end of the transaction. */
  replayed(): void {
    const { xid, end, isMissed } = this.#commits!;
    this.#commits = null;
    this.#over = this.#events;
    this.#events = null;
    this.#options.prepared.remove(xid);
    if (!isMissed) return;
    this.#remember(xid, end);
    this.#options.missed();
  }

  rollback({ xid, gtid, end }: XaStep): void {
    this.#over = this.#events;
    this.#events = null;
    this.#options.prepared.remove(xid);
    this.#options.ended(gtid, end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#over?.[Symbol.asyncDispose]();
    await this.#events?.[Symbol.asyncDispose]();
  }

  #remember(xid: string, end: LogPosition): void {
    this.#committed.delete(xid);
    this.#committed.set(xid, end);
    if (this.#committed.size > MOST_COMMITTED) this.#committed.delete(this.#committed.keys().next().value!);
  }
}

async function* eventsOf(events: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* events;
}

function refused(table: TableName, why: string): WeirError {
  return new WeirError('WEIR_BINLOG_UNSUPPORTED', `an XA transaction that changes ${tableName(table)} ${why}`, {
    table: tableName(table),
    fix: 'Give the pipeline a folder for what is prepared, leave the table out, or have it changed by transactions of one phase.',
  });
}
