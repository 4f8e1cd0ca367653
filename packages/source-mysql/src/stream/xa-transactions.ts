import { EventType, HEADER_BYTES, TYPE_OFFSET, type Gtid, type LogPosition, type XaHost, type XaStep } from '@weir/binlog';
import { WeirError, tableName, type BatchWriter, type TableName } from '@weir/sdk';

export interface XaTransactionsOptions {
  /** Events lie in its slab. */
  readonly writer: BatchWriter;
  readonly isCaptured: (table: TableName) => boolean;
  /** A step that is a transaction of its own is complete: a boundary. */
  readonly ended: (gtid: Gtid | null, end: LogPosition) => void;
}

/** What the events of an XA transaction that commits in one phase may take, in bytes (invariant 8). */
const KEPT_BYTES = 64 << 20;
/** In front of a table's name in a TABLE_MAP: its number and flags. */
const TABLE_ID_BYTES = 8;

/**
 * XA transactions. Those that change no captured table come and go; one that does and commits in one phase is replayed at once.
 * The rows of one in two phases would have to be kept durably from its PREPARE to its COMMIT, which may come much later: it is refused.
 */
export class XaTransactions implements XaHost {
  readonly #options: XaTransactionsOptions;
  #events: Uint8Array[] = [];
  #bytes = 0;
  /** The first captured table that it changes. */
  #captured: TableName | null = null;
  /** Events that are to be decoded before the next one; null when there is no replay. */
  replay: readonly Uint8Array[] | null = null;

  constructor(options: XaTransactionsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#forget();
  }

  keep(start: number, end: number): void {
    const event = this.#options.writer.data.subarray(start, end);
    if (event[TYPE_OFFSET] === EventType.tableMap) {
      const table = tableOf(event);
      if (this.#options.isCaptured(table)) this.#captured ??= table;
    }
    this.#bytes += event.length;
    if (this.#bytes > KEPT_BYTES) {
      // Tables that nobody captures are not replayed.
      if (this.#captured !== null) throw refused(this.#captured, `has more than ${KEPT_BYTES >> 20} MiB`);
      this.#events = [];
      return;
    }
    this.#events.push(event.slice());
  }

  prepare({ gtid, end }: XaStep): void {
    const captured = this.#captured;
    this.#forget();
    if (captured !== null) throw refused(captured, 'is prepared, and commits later');
    this.#options.ended(gtid, end);
  }

  /** In one phase, or of what was prepared and had nothing of captured tables. */
  commit(): void {
    this.replay = this.#captured === null ? [] : this.#events;
    this.#forget();
  }

  rollback({ gtid, end }: XaStep): void {
    this.#forget();
    this.#options.ended(gtid, end);
  }

  #forget(): void {
    this.#events = [];
    this.#bytes = 0;
    this.#captured = null;
  }
}

function refused(table: TableName, why: string): WeirError {
  return new WeirError('WEIR_BINLOG_UNSUPPORTED', `an XA transaction that changes ${tableName(table)} ${why}`, {
    table: tableName(table),
    fix: 'Leave the table out, or have it changed by transactions of one phase.',
  });
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/classmysql_1_1binlog_1_1event_1_1Table__map__event.html */
function tableOf(event: Uint8Array): TableName {
  const database = HEADER_BYTES + TABLE_ID_BYTES;
  const name = database + 1 + event[database]! + 1;
  const text = (at: number): string => Buffer.from(event.subarray(at + 1, at + 1 + event[at]!)).toString();
  return { namespace: text(database), name: text(name) };
}
