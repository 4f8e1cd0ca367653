import { WeirError } from '@weir/sdk';
import type { EventReader } from './event-reader.ts';
import type { BinlogHost } from './host.ts';
import type { LogPlace } from './log-position.ts';
import type { Statement } from './query-event.ts';
import { OpenTransaction, type Announcement, type TransactionEndKind } from './transaction.ts';
import type { XaHost, XaStep } from './xa.ts';
import { xidOf } from './xid.ts';

/** The transactions of a log, each step at a place where it belongs. */
export class Transactions {
  readonly #reader: EventReader;
  readonly #place: LogPlace;
  readonly #host: BinlogHost;
  readonly #xaHost: XaHost | null;
  /** A GTID event came, and the transaction behind it has not begun. */
  #announced: Announcement | null = null;
  #open: OpenTransaction | null = null;
  /** The XA transaction whose events are being kept. */
  #kept: string | null = null;
  /** The XA transaction whose replay is due, or goes on. */
  #replay: { readonly xid: string; readonly announced: Announcement } | null = null;

  constructor(reader: EventReader, place: LogPlace, host: BinlogHost, xaHost: XaHost | null) {
    this.#reader = reader;
    this.#place = place;
    this.#host = host;
    this.#xaHost = xaHost;
  }

  /** From a GTID, BEGIN or XA START up to the end; also between the commit of an XA transaction and its replay. */
  get inside(): boolean {
    return this.#open !== null || this.#kept !== null || this.#announced !== null || this.#replay !== null;
  }

  get open(): OpenTransaction | null {
    return this.#open;
  }

  /** Its events go to the host as they are. */
  get isKept(): boolean {
    return this.#kept !== null;
  }

  /** A replay is to begin before anything else. */
  get replayIsDue(): boolean {
    return this.#replay !== null && this.#open === null;
  }

  /** The open transaction, or the error that there is none. */
  expectOpen(): OpenTransaction {
    if (this.#open === null) throw this.#reader.damaged('no transaction is open');
    return this.#open;
  }

  announce(announced: Omit<Announcement, 'start'>): void {
    if (this.inside) throw this.#reader.damaged('a transaction starts inside another');
    this.#announced = { ...announced, start: this.#place.startPosition };
  }

  begin(): void {
    if (this.#open !== null || this.#kept !== null) throw this.#reader.damaged('a transaction starts inside another');
    this.#begin(this.#takeAnnounced(), null);
  }

  #begin({ gtid, start, time, originalTime }: Announcement, xid: string | null): void {
    const begin = { gtid, start, time, originalTime, xid };
    this.#open = new OpenTransaction(begin, this.#host.begin(begin));
  }

  end(kind: TransactionEndKind): void {
    const { begin, rows } = this.expectOpen();
    this.#open = null;
    this.#replay = null;
    this.#host.commit({ kind, gtid: begin.gtid, end: this.#place.endPosition, rows, time: begin.time });
  }

  /** @returns whether it stood alone, and with that is a transaction that has ended */
  statement(statement: Statement): boolean {
    const alter = this.#announced?.alter ?? null;
    if (this.#open !== null || this.#kept !== null) {
      if (this.#open === null || this.#open.commit !== null) this.#host.statement({ ...statement, alter, inTransaction: true });
      return false;
    }
    this.#begin(this.#takeAnnounced(), null);
    if (this.expectOpen().commit !== null) this.#host.statement({ ...statement, alter, inTransaction: false });
    this.end('statement');
    return true;
  }

  /** What a GTID said of the transaction that starts now; without one, what its first event does. */
  #takeAnnounced(): Announcement {
    const time = this.#reader.seconds * 1_000_000;
    const start = this.#place.startPosition;
    const announced = this.#announced ?? { gtid: null, start, time, originalTime: time, alter: null };
    this.#announced = null;
    return announced;
  }

  startXa(xid: string): void {
    const host = this.#xa();
    if (this.#open !== null || this.#kept !== null) throw this.#reader.damaged('a transaction starts inside another');
    this.#kept = xid;
    host.start(this.#step(xid));
  }

  keep(start: number, end: number): void {
    this.#xa().keep(start, end);
  }

  prepareXa(xid: string): void {
    if (this.#kept !== xid) throw this.#reader.damaged('no such XA transaction is open');
    const step = this.#step(xid);
    this.#kept = null;
    this.#announced = null;
    this.#xa().prepare(step);
  }

  /** Of the one that is open, in one phase, or of one that was prepared before. */
  commitXa(xid: string): void {
    if (this.#open !== null) return this.end('commit');
    this.#expectKept(xid);
    const host = this.#xa();
    const step = this.#step(xid);
    this.#kept = null;
    this.#replay = { xid, announced: this.#takeAnnounced() };
    host.commit(step);
  }

  rollbackXa(xid: string): void {
    if (this.#open !== null) return this.end('rollback');
    this.#expectKept(xid);
    const host = this.#xa();
    const step = this.#step(xid);
    this.#kept = null;
    this.#announced = null;
    host.rollback(step);
  }

  #expectKept(xid: string): void {
    if (this.#kept !== null && this.#kept !== xid) throw this.#reader.damaged('the end of another XA transaction');
  }

  beginReplay(): void {
    if (!this.replayIsDue) throw new WeirError('WEIR_SDK_USE', 'no XA transaction was committed');
    const { xid, announced } = this.#replay!;
    this.#begin(announced, xid);
  }

  commitReplay(): void {
    if (this.#replay === null || this.#open === null) throw new WeirError('WEIR_SDK_USE', 'no replay has begun');
    this.end('commit');
  }

  /** The name in a statement. */
  xidOf({ text }: Statement): string {
    const xid = xidOf(text);
    if (xid === null) throw this.#reader.damaged('an XA statement without a name');
    return xid;
  }

  #step(xid: string): XaStep {
    return { xid, gtid: this.#announced?.gtid ?? null, end: this.#place.endPosition };
  }

  #xa(): XaHost {
    if (this.#xaHost === null) throw this.#reader.unsupported('an XA transaction');
    return this.#xaHost;
  }
}
