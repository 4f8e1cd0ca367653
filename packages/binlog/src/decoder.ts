import { Op, WeirError, type BatchWriter } from '@weir/sdk';
import { bindTable, bindingFits, type TableBinding } from './binding.ts';
import { CHECKSUM_BYTES, checksumFits, formatChecksumFits } from './checksum.ts';
import { readHeartbeat, readHeartbeatV2, readIncident, readRotate } from './control-events.ts';
import { EventType, isPassedOver, isRows } from './event-type.ts';
import { EventReader, IGNORABLE_FLAG, SIZE_OFFSET } from './event-reader.ts';
import { readGtid } from './gtid-event.ts';
import { decodeGtidSet } from './gtid-set-encoding.ts';
import type { BinlogHost } from './host.ts';
import { readFormat, type LogFormat } from './log-format.ts';
import { LogPlace, type LogPosition } from './log-position.ts';
import { readGtidList, readMariadbGtid } from './mariadb-gtid-event.ts';
import { inflatedType, readPayload } from './payload.ts';
import { isBegin, readQuery, type Statement } from './query-event.ts';
import { RowsDecoder } from './rows-decoder.ts';
import { TABLE_ID_BYTES, readTableMap, type TableMap } from './table-map.ts';
import { TableMaps } from './table-maps.ts';
import { readTaggedGtid } from './tagged-gtid-event.ts';
import { Transactions } from './transactions.ts';
import type { XaHost } from './xa.ts';
import { readXaPrepare } from './xid.ts';

export interface DecoderOptions {
  /** Keeps XA transactions; without it the first one is an error. */
  readonly xa?: XaHost;
}

/**
 * Decodes the events of MySQL's and MariaDB's binary log (version 4, rows) into a batch. Pure, and nothing is allocated per
 * row. After an error the decoder is of no more use; rows already in the writer stay whole.
 *
 * The format: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_replication_binlog_event.html,
 * https://mariadb.com/kb/en/replication-protocol/
 */
export class BinlogDecoder {
  readonly #host: BinlogHost;
  readonly #reader = new EventReader();
  readonly #place = new LogPlace();
  readonly #tables = new TableMaps();
  readonly #rows = new RowsDecoder(this.#reader, this.#tables);
  readonly #transactions: Transactions;
  #format: LogFormat | null = null;
  /** The table that the host is to bind before the next event, and how it was announced. */
  #unbound: { readonly map: TableMap; readonly announced: Uint8Array } | null = null;

  constructor(host: BinlogHost, { xa }: DecoderOptions = {}) {
    this.#host = host;
    this.#transactions = new Transactions(this.#reader, this.#place, host, xa ?? null);
  }

  /** From a GTID, or the begin of a transaction without one, up to its end; here no checkpoint may stand. */
  get inTransaction(): boolean {
    return this.#transactions.inside;
  }

  /** Some row of the open transaction was decoded, or its commit is among those of a batch. */
  get midTransaction(): boolean {
    return this.#transactions.open?.begun ?? false;
  }

  /** Behind the event that was decoded last. */
  get position(): LogPosition {
    return this.#place.endPosition;
  }

  /** Puts the open transaction, unless it is left out, among the commits of the batch that is being written. */
  addCommit(writer: BatchWriter): void {
    const { open } = this.#transactions;
    if (open !== null && open.commit !== null) open.indexIn(writer, open.commit);
  }

  /**
   * Decodes one event that lies in `writer.data[start, end)`, with its checksum if the log has them; one that came in several
   * packets is put together before. Cells point into the slab.
   *
   * @throws WeirError WEIR_BINLOG_DAMAGED, WEIR_BINLOG_UNSUPPORTED, WEIR_BINLOG_ROW_IMAGE, WEIR_BINLOG_INCIDENT, and what the
   * host throws
   */
  decode(writer: BatchWriter, start: number, end: number): void {
    this.#open(writer, start, end);
    if (this.#transactions.replayIsDue) throw new WeirError('WEIR_SDK_USE', 'a replay is due');
    this.#passChecksum();
    this.#place.pass(this.#reader, end - start);
    this.#decode(writer);
  }

  /** The same for an event out of a payload or of a replay: it has no checksum and no place of its own. */
  decodeInner(writer: BatchWriter, start: number, end: number): void {
    this.#open(writer, start, end);
    this.#decode(writer);
  }

  #open(writer: BatchWriter, start: number, end: number): void {
    if (end > writer.used) throw new WeirError('WEIR_SDK_USE', 'an event to decode must lie in the slab');
    if (this.#unbound !== null) throw new WeirError('WEIR_SDK_USE', 'a table is to be bound before the next event');
    this.#reader.open(writer.data, start, end);
  }

  /** Looks at the checksum, and takes it off the event. */
  #passChecksum(): void {
    const reader = this.#reader;
    const { type, data, start, end } = reader;
    // Its kind of checksum stands in itself.
    if (type === EventType.formatDescription) return;
    if (this.#format?.checksums === true) {
      if (!checksumFits(data, start, end)) throw reader.damaged('its checksum is another');
      reader.end = end - CHECKSUM_BYTES;
    } else if (type === EventType.rotate || type === EventType.heartbeat) {
      // A server makes these up, with a checksum or without, as the session asked or the file before had them.
      if (checksumFits(data, start, end)) reader.end = end - CHECKSUM_BYTES;
    } else if (this.#format === null) {
      throw reader.damaged('the log has no format yet');
    }
  }

  #decode(writer: BatchWriter): void {
    const { type } = this.#reader;
    if (isRows(type)) {
      if (this.#transactions.isKept) this.#keep();
      else if (this.#rows.decode(writer, this.#transactions.expectOpen())) this.#tables.endStatement();
    } else if (type === EventType.tableMap) {
      if (this.#transactions.isKept) this.#keep();
      else this.#decodeTableMap();
    } else if (inflatedType(type) !== null) {
      this.#decodeCompressed(type);
    } else if (!this.#decodeTransaction(type) && !this.#decodeControl(type) && !isPassedOver(type)) {
      if ((this.#reader.flags & IGNORABLE_FLAG) === 0) throw this.#reader.unsupported('no event of this type is known');
    }
  }

  /** The steps of transactions. */
  #decodeTransaction(type: number): boolean {
    const reader = this.#reader;
    const transactions = this.#transactions;
    switch (type) {
      case EventType.gtid:
      case EventType.anonymousGtid:
      case EventType.gtidTagged:
        this.#decodeGtid();
        return true;
      case EventType.mariadbGtid:
        this.#decodeMariadbGtid();
        return true;
      case EventType.query:
        if (isBegin(reader)) transactions.begin();
        else this.#decodeStatement(readQuery(reader));
        return true;
      case EventType.executeLoadQuery:
        this.#decodeStatement(readQuery(reader));
        return true;
      case EventType.xid:
        reader.skip(8);
        reader.close();
        transactions.end('commit');
        return true;
      case EventType.xaPrepare: {
        const { xid, onePhase } = readXaPrepare(reader);
        if (onePhase) transactions.commitXa(xid);
        else transactions.prepareXa(xid);
        return true;
      }
      case EventType.transactionPayload:
        this.#host.payload(readPayload(reader));
        return true;
      default:
        return false;
    }
  }

  /** What the server says of the log and of itself. */
  #decodeControl(type: number): boolean {
    const reader = this.#reader;
    switch (type) {
      case EventType.formatDescription:
        this.#decodeFormat();
        return true;
      case EventType.rotate:
        this.#rotate(readRotate(reader));
        return true;
      case EventType.heartbeat:
        this.#heartbeat(readHeartbeat(reader, this.#place.end));
        return true;
      case EventType.heartbeatV2:
        this.#heartbeat(readHeartbeatV2(reader));
        return true;
      case EventType.previousGtids:
        this.#host.previousGtids?.(decodeGtidSet(reader.data, reader.at, reader.end, type));
        return true;
      case EventType.gtidList:
        this.#host.previousGtids?.(readGtidList(reader));
        return true;
      case EventType.incident:
        throw new WeirError('WEIR_BINLOG_INCIDENT', `the server's log lacks changes, incident ${readIncident(reader)}`);
      case EventType.startEncryption:
        throw reader.unsupported('an encrypted log');
      default:
        return false;
    }
  }

  #decodeFormat(): void {
    const reader = this.#reader;
    const format = readFormat(reader);
    if (format.checksums && !formatChecksumFits(reader.data, reader.start, reader.end)) {
      throw reader.damaged('its checksum is another');
    }
    if (this.#transactions.inside) throw reader.damaged('a log begins inside a transaction');
    this.#format = format;
    // A server that was started anew numbers its tables anew.
    this.#tables.clear();
    this.#host.format?.(format);
  }

  #rotate(position: LogPosition): void {
    if (this.#transactions.inside) throw this.#reader.damaged('a log ends inside a transaction');
    this.#place.moveTo(position.file, position.offset);
    this.#host.rotate?.(position);
  }

  #heartbeat(position: LogPosition): void {
    this.#place.moveTo(position.file, position.offset);
    this.#host.heartbeat?.(position);
  }

  #decodeGtid(): void {
    const read = this.#reader.type === EventType.gtidTagged ? readTaggedGtid : readGtid;
    const { gtid, commitTime, originalCommitTime } = read(this.#reader);
    const time = commitTime ?? this.#reader.seconds * 1_000_000;
    this.#transactions.announce({ gtid, time, originalTime: originalCommitTime ?? time, alter: null });
  }

  #decodeMariadbGtid(): void {
    const { gtid, standalone, preparesXa, completesXa, xid, alter } = readMariadbGtid(this.#reader);
    const time = this.#reader.seconds * 1_000_000;
    const transactions = this.#transactions;
    transactions.announce({ gtid, time, originalTime: time, alter });
    if (preparesXa) transactions.startXa(xid!);
    else if (!standalone && !completesXa) transactions.begin();
  }

  #decodeStatement(statement: Statement): void {
    const transactions = this.#transactions;
    switch (statement.kind) {
      case 'begin':
        return transactions.begin();
      case 'commit':
        return transactions.end('commit');
      case 'rollback':
        return transactions.end('rollback');
      case 'xa start':
        return transactions.startXa(transactions.xidOf(statement));
      case 'xa prepare':
        return transactions.prepareXa(transactions.xidOf(statement));
      case 'xa commit':
        return transactions.commitXa(transactions.xidOf(statement));
      case 'xa rollback':
        return transactions.rollbackXa(transactions.xidOf(statement));
      case 'xa end':
      case 'comment':
        return;
      default:
        if (transactions.statement(statement)) this.#tables.clear();
    }
  }

  #decodeTableMap(): void {
    const { commit } = this.#transactions.expectOpen();
    const reader = this.#reader;
    const body = reader.at;
    const tableId = reader.uint(TABLE_ID_BYTES);
    reader.at = body;
    if (this.#tables.announceKnown(tableId, reader)) return;
    const map = readTableMap(reader, this.#format?.flavour ?? 'mysql');
    // Of a transaction that is left out the rows are only counted; the table is asked for when it comes again.
    if (commit === null) return this.#tables.announce(bindTable(map, null), null);
    const announced = reader.data.slice(body, reader.end);
    this.#unbound = { map, announced };
    const binding = this.#host.tableMap(map);
    if (binding !== 'later') this.bind(map, binding);
  }

  /**
   * What the rows of the table that was announced last become, until it is announced otherwise.
   * @throws WeirError WEIR_SDK_USE when it is another table, or has another number of columns
   */
  bind(map: TableMap, binding: TableBinding | null): void {
    if (this.#unbound?.map !== map) throw new WeirError('WEIR_SDK_USE', 'no such table was announced last');
    if (!bindingFits(map, binding)) throw new WeirError('WEIR_SDK_USE', 'the binding of a table has another number of columns');
    this.#tables.announce(bindTable(map, binding), this.#unbound.announced);
    this.#unbound = null;
  }

  /** Every table is to be bound anew when it is announced next. */
  forgetTables(): void {
    this.#tables.clear();
  }

  /**
   * Writes the row of a TRUNCATE, for whoever hears such a statement; called out of `statement`.
   * @throws WeirError WEIR_SDK_USE outside a transaction
   */
  truncate(writer: BatchWriter, binding: TableBinding): void {
    const { open } = this.#transactions;
    if (open === null || open.commit === null) throw new WeirError('WEIR_SDK_USE', 'no transaction is open');
    const ordinal = open.nextOrdinal();
    if (binding.skip) return writer.skip(1);
    binding.judge?.truncated();
    writer.beginRow(Op.truncate, writer.tableIndex(binding.table), open.indexIn(writer, open.commit), ordinal);
  }

  /** After the host was told that an XA transaction committed: it starts. `decodeInner` then takes the events that were kept of it. */
  beginReplay(): void {
    this.#tables.clear();
    this.#transactions.beginReplay();
  }

  /** Ends the transaction that was replayed. */
  commitReplay(): void {
    this.#tables.clear();
    this.#transactions.commitReplay();
  }

  #keep(): void {
    this.#takeChecksumOff();
    this.#transactions.keep(this.#reader.start, this.#reader.end);
  }

  #decodeCompressed(type: number): void {
    if (this.#transactions.isKept && inflatedType(type) !== EventType.query) return this.#keep();
    const { start, end } = this.#takeChecksumOff();
    this.#host.payload({ compression: 'zlib', start, end, size: null });
  }

  /** The header says what is left of the event. */
  #takeChecksumOff(): EventReader {
    const { data, start, end } = this.#reader;
    const size = end - start;
    for (let byte = 0; byte < 4; byte++) data[start + SIZE_OFFSET + byte] = size >>> (8 * byte);
    return this.#reader;
  }
}
