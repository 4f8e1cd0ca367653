import { MysqlGtidSet, type Gtid, type LogPosition } from '@weir/binlog';
import { query, quoteIdentifier, serverVersion, type MysqlClient } from '@weir/mysql';
import { WeirError, type TableName } from '@weir/sdk';
import { fileNumber } from '../position.ts';
import { statusStatement } from '../server-log.ts';
import { listedXids } from './settling-xa.ts';

/** Where the stream stands, at a boundary. */
export interface StreamPlace {
  /** Behind the last transaction that was delivered. */
  readonly end: LogPosition;
  /** Behind all that was read, also what is no transaction: a new file, a heartbeat. */
  readonly reached: LogPosition;
  /** Of MySQL with GTIDs the transactions that were delivered; it is not changed later. Else null. */
  readonly gtids: MysqlGtidSet | null;
  /** XA transactions of two phases that were delivered, the last of them; absent where there are none. */
  readonly committedXa?: readonly CommittedXa[] | undefined;
}

/** An XA transaction of two phases that was delivered. */
export interface CommittedXa {
  /** As `XaStep.xid`. */
  readonly xid: string;
  /** Behind its COMMIT. */
  readonly end: LogPosition;
}

/**
 * What was in doubt just before a snapshot of MariaDB. It writes the COMMIT of a prepared transaction into its log first and shows its rows
 * later, and the place that it says of a snapshot knows only of the first; XA RECOVER lists the transaction until the second.
 * MySQL has the GTID of the COMMIT in `gtid_executed` when the rows are seen.
 */
export interface XaBefore {
  /** The end of the log before the list was read. */
  readonly end: LogPosition;
  /** See {@link listedXids}. */
  readonly listed: ReadonlySet<string | null>;
}

/** What a snapshot sees, as far as that is known. */
export class SnapshotMoment {
  /** What ends behind it is not seen. */
  readonly #high: LogPosition;
  /** What is seen for sure; null where it is all that ends at `#high` or before. */
  readonly #low: MysqlGtidSet | null;
  /** Whoever altered a table before its lock was got is in the log before here. */
  readonly #locked: LogPosition;
  readonly #xa: XaBefore | null;

  /** @param parts `xa`: of MariaDB */
  constructor(parts: { readonly high: LogPosition; readonly low: MysqlGtidSet | null; readonly locked: LogPosition; readonly xa?: XaBefore }) {
    const { high, low, locked, xa = null } = parts;
    this.#xa = xa;
    this.#high = high;
    this.#low = low;
    this.#locked = locked;
  }

  /** Behind all that it may see: a boundary of the log. */
  get high(): LogPosition {
    return this.#high;
  }

  /** Whether it sees a transaction; null when that is not known. @param end behind it */
  sees(gtid: Gtid | null, end: LogPosition): boolean | null {
    if (comparePlaces(end, this.#high) > 0) return false;
    if (this.#low === null) return true;
    return gtid !== null && 'uuid' in gtid && this.#low.has(gtid) ? true : null;
  }

  /** Whether all that the stream has delivered is seen; otherwise another snapshot is needed. */
  covers({ end, gtids, committedXa = [] }: StreamPlace): boolean {
    if (this.#low === null) return comparePlaces(end, this.#high) <= 0 && !committedXa.some(({ xid }) => this.#lists(xid));
    return gtids !== null && this.#low.hasAll(gtids);
  }

  /** Whether one of these may not be seen though the place of the snapshot is behind its COMMIT: then another snapshot is needed. */
  mayLack(committedXa: readonly CommittedXa[]): boolean {
    const xa = this.#xa;
    return xa !== null && committedXa.some(({ xid, end }) => comparePlaces(end, this.#high) <= 0 && (comparePlaces(end, xa.end) > 0 || this.#lists(xid)));
  }

  #lists(xid: string): boolean {
    return this.#xa !== null && (this.#xa.listed.has(xid) || this.#xa.listed.has(null));
  }

  /** Whether the stream has come by all that may be seen, and by what was done to the tables' definitions before. */
  isPassedBy({ reached }: StreamPlace): boolean {
    return comparePlaces(reached, this.#high) >= 0 && comparePlaces(reached, this.#locked) >= 0;
  }
}

/** Negative when `a` comes before `b` in the log of one server. */
export function comparePlaces(a: LogPosition, b: LogPosition): number {
  return fileNumber(a.file) - fileNumber(b.file) || a.offset - b.offset;
}

/**
 * Begins a transaction that reads one state of the tables, and keeps them as they are defined until it ends.
 *
 * Neither server names what a snapshot sees, and the end of the log is not it: a transaction is in the log first, is visible then,
 * and is in `gtid_executed` last. So what was executed *before* the snapshot is seen, and what is in the log *behind its end after*
 * the snapshot is not; the few between are unknown. MariaDB says the place of a snapshot exactly. MySQL without GTIDs, or whoever has
 * to know about all, locks the tables against writers until the snapshot stands: then none of them is between log and sight.
 *
 * The end of the log is read once more when the tables are locked against definitions: one that came between is before it.
 * @param locker a connection whose lock makes the moment exact; null for none
 * @throws WeirError WEIR_MYSQL_LOCKED when a lock is not to be had, WEIR_MYSQL_GRANT; what `serverError` says
 */
export async function beginSnapshot(client: MysqlClient, tables: readonly TableName[], locker: MysqlClient | null): Promise<SnapshotMoment> {
  const version = await serverVersion(client);
  const status = async (): Promise<LogPosition> => placeIn(await query(client, statusStatement(version)));
  const hold = async (): Promise<void> => {
    for (const table of tables) await query(client, `SELECT 1 FROM ${quoteTable(table)} LIMIT 0`);
  };
  if (version.flavour === 'mariadb') {
    const xa = { end: await status(), listed: await listedXids(client) };
    await query(client, BEGIN);
    const values = new Map((await query(client, "SHOW STATUS LIKE 'binlog_snapshot_%'")).map(([name, value]) => [name!.toLowerCase(), value]));
    const high = placeIn([[values.get('binlog_snapshot_file') ?? '', values.get('binlog_snapshot_position') ?? '']]);
    await hold();
    return new SnapshotMoment({ high, low: null, locked: await status(), xa });
  }
  if (locker !== null) {
    try {
      await query(locker, `LOCK TABLES ${tables.map((table) => `${quoteTable(table)} READ`).join(', ')}`);
      await query(client, BEGIN);
      await hold();
      const high = await status();
      return new SnapshotMoment({ high, low: null, locked: high });
    } finally {
      await query(locker, 'UNLOCK TABLES');
    }
  }
  const [row] = await query(client, 'SELECT @@global.gtid_executed');
  await query(client, BEGIN);
  await hold();
  const high = await status();
  return new SnapshotMoment({ high, low: MysqlGtidSet.parse(row![0]!), locked: high });
}

const BEGIN = 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY';

export function quoteTable({ namespace, name }: TableName): string {
  return `${quoteIdentifier(namespace)}.${quoteIdentifier(name)}`;
}

function placeIn([row]: readonly (readonly (string | null)[])[]): LogPosition {
  if (row === undefined || (row[0] ?? '') === '') throw new WeirError('WEIR_MYSQL_LOG_SETTINGS', 'the server has no binary log (log_bin)');
  return { file: row[0]!, offset: Number(row[1]) };
}
