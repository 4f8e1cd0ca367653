import { formatMariadbGtid, formatMysqlGtid, type Gtid, type LogPosition, type MariadbGtidPosition, type MysqlGtidSet } from '@weir/binlog';
import type { Checkpoint, Position } from '@weir/sdk';
import { gtidsOf, placeOf, stateJson, type MysqlState } from '../checkpoint-state.ts';
import { boundaryPosition, comparePlaces } from '../position.ts';

/** What else than its progress a checkpoint has of where the stream is. */
export type ChangingState = Required<Pick<MysqlState, 'copies' | 'tables' | 'prepared'>>;

/** How far a stream is: behind which transactions, and at which place of the log. */
export class LogProgress {
  /** All of a checkpoint's state but how far it is. */
  readonly #base: Omit<MysqlState, 'fileTime'>;
  readonly #gtids: MysqlGtidSet | MariadbGtidPosition | null;
  #place: LogPosition;
  #end: LogPosition;
  /** The file that was begun last, and when: see `MysqlState.fileTime`. */
  #begun: { readonly file: string; readonly time: number } | null;

  /** @param state where the stream begins */
  constructor(state: MysqlState) {
    const { fileTime, ...base } = state;
    this.#base = base;
    this.#begun = fileTime === undefined ? null : { file: state.file, time: fileTime };
    this.#gtids = gtidsOf(state);
    this.#place = placeOf(state);
    this.#end = this.#place;
  }

  get epoch(): number {
    return this.#base.epoch;
  }

  /** The transactions that are complete; to be changed by nobody else. */
  get gtids(): MysqlGtidSet | MariadbGtidPosition | null {
    return this.#gtids;
  }

  /** Behind the last complete transaction. */
  get end(): LogPosition {
    return this.#end;
  }

  /** Where the log goes on behind it, and behind whatever is no transaction: a new file, a heartbeat. */
  get place(): LogPosition {
    return this.#place;
  }

  get position(): Position {
    return boundaryPosition(this.epoch, this.#place);
  }

  /** The log goes on here, outside a transaction. Never back: a server sends a file's beginning again to who has its GTIDs. */
  reached(place: LogPosition): void {
    if (comparePlaces(place, this.#place) > 0) this.#place = place;
  }

  /** The stream is in this file from here on. @param time when the server began it, in seconds since 1970 */
  begun(file: string, time: number): void {
    this.#begun = { file, time };
  }

  /** A transaction is complete, delivered or not. */
  complete(gtid: Gtid | null, end: LogPosition): void {
    this.#end = end;
    this.reached(end);
    if (gtid !== null) this.#gtids?.add(gtid as never);
  }

  /** Whether a transaction is complete already: it was delivered before. */
  has(gtid: Gtid | null, start: LogPosition): boolean {
    if (gtid !== null && this.#gtids !== null) return this.#gtids.has(gtid as never);
    return comparePlaces(start, this.#place) < 0;
  }

  /** The same for a step that ends a transaction. @param end behind it */
  isPast(gtid: Gtid | null, end: LogPosition): boolean {
    if (gtid !== null && this.#gtids !== null) return this.#gtids.has(gtid as never);
    return comparePlaces(end, this.#place) <= 0;
  }

  /** @param changing what else of the state is of now */
  checkpoint(changing: ChangingState, position: Position = this.position): Checkpoint {
    const { file, offset } = this.#place;
    const time = this.#begun?.file === file ? { fileTime: this.#begun.time } : {};
    return { position, state: stateJson({ ...this.#base, ...changing, gtids: this.#gtids?.format() ?? null, file, offset, ...time }) };
  }
}

/** How a transaction is called: its GTID, or where it starts. */
export function transactionName(gtid: Gtid | null, start: LogPosition): string {
  if (gtid === null) return `${start.file}:${start.offset}`;
  return 'domain' in gtid ? formatMariadbGtid(gtid) : formatMysqlGtid(gtid);
}
