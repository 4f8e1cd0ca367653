import { NO_TABLE, Op, WeirError, type BatchWriter, type Commit } from '@weir/sdk';
import { bindRelation, bindingFits, type BoundRelation, type TableBinding } from './binding.ts';
import {
  BEGIN,
  COMMIT,
  DELETE,
  INSERT,
  MESSAGE,
  ORIGIN,
  RELATION,
  TRUNCATE,
  TYPE,
  UPDATE,
  damaged,
  unknownKind,
  type ProtocolVersion,
} from './message-kind.ts';
import { MessageReader } from './message-reader.ts';
import type { PreparedHost } from './prepared.ts';
import { PreparedTransactions } from './prepared-transactions.ts';
import { RelationMap } from './relation-map.ts';
import { readRelation, type Relation } from './relation.ts';
import { readRow } from './row-message.ts';
import { StreamedTransactions } from './streamed-transactions.ts';
import type { StreamedHost } from './streamed.ts';
import { OpenTransaction, readBegin, readCommit, type Begin, type CommitEnd } from './transaction.ts';

/**
 * Who uses the decoder. Each call is the last thing done for its message, so a batch may be closed in any of them; what
 * they throw, `decode` throws.
 */
export interface DecoderHost {
  /**
   * A table was announced. Null: its rows are left out, uncounted. `later`: the host has to find out first; it calls `bind`
   * before the next message.
   */
  relation(relation: Relation): TableBinding | null | 'later';
  /** A transaction starts. Null: it was delivered before; its rows are left out, uncounted. */
  begin(begin: Begin): Commit | null;
  /** A transaction ended, also one that was left out: a boundary, where a checkpoint may stand (invariant 3). */
  commit(end: CommitEnd): void;
}

export interface DecoderOptions {
  /** The version that the stream was asked for; 1 by default. */
  readonly version?: ProtocolVersion;
  /** Keeps streamed transactions, for a stream that was asked for with `streaming`. */
  readonly streamed?: StreamedHost;
  /** Hears of prepared transactions, for a slot with `two_phase`. */
  readonly prepared?: PreparedHost;
}

/**
 * Decodes PostgreSQL's logical replication messages, protocol versions 1 to 4 in text format, into a batch. Pure, and nothing
 * is allocated per row. After an error the decoder is of no more use; rows already in the writer stay whole.
 *
 * Messages of a streamed transaction go to the host as they are, and come back at its commit, between `beginReplay` and
 * `endReplay`.
 *
 * The format: https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export class PgoutputDecoder {
  readonly #host: DecoderHost;
  readonly #version: ProtocolVersion;
  readonly #reader = new MessageReader();
  readonly #relations = new RelationMap();
  readonly #streamed: StreamedTransactions | null;
  readonly #prepared: PreparedTransactions | null;
  #receipts = 0;
  #lastRelation: BoundRelation | null = null;
  #transaction: OpenTransaction | null = null;
  /** In a replay messages have the id of their subtransaction behind the kind. */
  #replaying = false;

  constructor(host: DecoderHost, { version = 1, streamed, prepared }: DecoderOptions = {}) {
    this.#host = host;
    this.#version = version;
    const reader = this.#reader;
    const keeps = version >= 2 && streamed !== undefined;
    this.#streamed = keeps ? new StreamedTransactions(reader, streamed, () => ++this.#receipts) : null;
    const hears = version >= 3 && prepared !== undefined;
    this.#prepared = hears ? new PreparedTransactions(reader, prepared, this.#streamed) : null;
  }

  /** Between BEGIN and COMMIT, also of a transaction that is left out, and during a replay. */
  get inTransaction(): boolean {
    return this.#transaction !== null;
  }

  /** The same, from the transaction's first event on. */
  get midTransaction(): boolean {
    return this.#transaction !== null && this.#transaction.begun;
  }

  /** Between Stream Start and Stream Stop. */
  get inStreamBlock(): boolean {
    return this.#streamed !== null && this.#streamed.inBlock;
  }

  /** Puts the open transaction, unless it is left out, among the commits of the batch that is being written. */
  addCommit(writer: BatchWriter): void {
    const transaction = this.#transaction;
    if (transaction !== null && transaction.commit !== null) transaction.indexIn(writer, transaction.commit);
  }

  /**
   * Decodes one message that lies in `writer.data[start, end)`. Cells point into the slab, whose bytes of this message are
   * rewritten in place where a binding says so: a message is decoded once.
   *
   * @throws WeirError WEIR_PGOUTPUT_DAMAGED, WEIR_PGOUTPUT_UNSUPPORTED, and what the host throws
   */
  decode(writer: BatchWriter, start: number, end: number): void {
    if (end > writer.used) throw new WeirError('WEIR_SDK_USE', 'a message to decode must lie in the slab');
    const { data } = writer;
    if (start >= end) throw damaged(0, 0, 'the message is empty');
    const kind = data[start]!;
    this.#reader.open(data, start, end);
    if (this.#streamed !== null) {
      if (this.#streamed.inBlock) return this.#streamed.decodeInBlock(kind);
      if (this.#replaying) this.#streamed.passId(kind);
    }
    if (kind === INSERT || kind === UPDATE || kind === DELETE) this.#decodeRow(writer, kind);
    else this.#decodeOther(writer, kind);
  }

  #decodeOther(writer: BatchWriter, kind: number): void {
    switch (kind) {
      case BEGIN:
        return this.#decodeBegin();
      case COMMIT:
        return this.#decodeCommit();
      case RELATION:
        return this.#decodeRelation();
      case TRUNCATE:
        return this.#decodeTruncate(writer);
      case MESSAGE:
        return this.#decodeMessage(writer);
      case ORIGIN:
        return this.#checkOrigin();
      case TYPE:
        return this.#checkType();
      default:
        return this.#decodeLater(kind);
    }
  }

  /** Messages of version 2 and later. */
  #decodeLater(kind: number): void {
    if (this.#streamed?.decode(kind, this.inTransaction) === true) return;
    if (this.#prepared?.decode(kind, this.inTransaction) !== true) throw unknownKind(kind, this.#version);
    this.#transaction = this.#prepared.transaction;
  }

  #decodeBegin(): void {
    if (this.#transaction !== null) throw this.#reader.damaged('a transaction starts inside another');
    this.#begin(readBegin(this.#reader));
  }

  #begin(begin: Begin): void {
    this.#transaction = new OpenTransaction(begin);
    this.#transaction.commit = this.#host.begin(begin);
  }

  #decodeCommit(): void {
    const { begin } = this.#openTransaction();
    if (this.#prepared?.transaction === this.#transaction) throw this.#reader.damaged('no commit belongs to a prepared one');
    const end = readCommit(this.#reader);
    if (end.commitLsn !== begin.commitLsn) throw this.#reader.damaged('the commit of another transaction');
    this.#transaction = null;
    this.#host.commit(end);
  }

  /**
   * After the host was told of a Stream Commit: the transaction starts. `decode` then takes the messages that were kept of it,
   * those of subtransactions that were rolled back left out.
   */
  beginReplay(): void {
    const { commitLsn, time, transactionId } = this.#replayable().beginReplay();
    this.#replaying = true;
    this.#lastRelation = null;
    this.#begin({ commitLsn, time, transactionId });
  }

  /**
   * All that was kept has been decoded.
   * @returns tables that others announced while the transaction was open, and that its own, older announcements replaced at
   * the host: to be announced to it again and to be bound, before `commitReplay`
   */
  endReplay(): readonly Relation[] {
    this.#replaying = false;
    this.#lastRelation = null;
    return this.#relations.merge(this.#replayable().relations);
  }

  /** Ends the transaction that was replayed. */
  commitReplay(): void {
    const { commitLsn, endLsn, time } = this.#replayable().endReplay();
    this.#transaction = null;
    this.#host.commit({ commitLsn, endLsn, time });
  }

  #replayable(): StreamedTransactions {
    if (this.#streamed !== null) return this.#streamed;
    throw new WeirError('WEIR_SDK_USE', 'no streamed transaction was kept');
  }

  #decodeRelation(): void {
    const relation = readRelation(this.#reader);
    const binding = this.#host.relation(relation);
    if (binding !== 'later') this.bind(relation, binding);
  }

  /**
   * What the rows of an announced table become from here on.
   * @throws WeirError WEIR_PGOUTPUT_DAMAGED when it has another number of columns
   */
  bind(relation: Relation, binding: TableBinding | null): void {
    if (!bindingFits(relation, binding)) throw damaged(RELATION, 0, 'its binding has another number of columns');
    const bound = bindRelation(relation, binding);
    if (this.#replaying) this.#streamed!.relations.set(bound, this.#streamed!.receipt(relation.oid));
    else this.#relations.set(bound, ++this.#receipts);
    this.#lastRelation = null;
  }

  /** Where the transaction was first made, when it was itself replicated; not used. */
  #checkOrigin(): void {
    this.#openTransaction();
    this.#reader.lsn();
    this.#reader.skipString();
    this.#reader.close();
  }

  /** The name of a type that is not built in; the catalog says more, so it is not used. */
  #checkType(): void {
    this.#reader.uint32();
    this.#reader.skipString();
    this.#reader.skipString();
    this.#reader.close();
  }

  #decodeRow(writer: BatchWriter, kind: number): void {
    const transaction = this.#openTransaction();
    const relation = this.#nextRelation();
    const ordinal = transaction.nextOrdinal();
    const { commit } = transaction;
    const { binding } = relation;
    if (commit === null || binding === null) {
      readRow(this.#reader, null, relation, kind);
    } else if (binding.skip) {
      readRow(this.#reader, null, relation, kind);
      writer.skip(1);
    } else {
      const op = kind === INSERT ? Op.insert : kind === UPDATE ? Op.update : Op.delete;
      writer.beginRow(op, writer.tableIndex(binding.table), transaction.indexIn(writer, commit), ordinal);
      try {
        readRow(this.#reader, writer, relation, kind);
      } catch (error) {
        writer.dropRow();
        throw error;
      }
      if (binding.judge != null && !binding.judge.keeps(writer)) {
        writer.dropRow();
        writer.skip(1);
      }
    }
  }

  /** A truncate row for each relation. Checked whole before the first is written. */
  #decodeTruncate(writer: BatchWriter): void {
    const transaction = this.#openTransaction();
    const reader = this.#reader;
    const count = reader.uint32();
    // CASCADE and RESTART IDENTITY; the relations that a cascade reached are listed as well.
    reader.uint8();
    if (count * 4 !== reader.left) throw reader.damaged('the number of relations does not fit');
    const first = reader.at;
    while (reader.left > 0) this.#nextRelation();
    reader.at = first;
    while (reader.left > 0) this.#writeTruncate(writer, transaction, this.#nextRelation());
  }

  #writeTruncate(writer: BatchWriter, transaction: OpenTransaction, { binding }: BoundRelation): void {
    const ordinal = transaction.nextOrdinal();
    const { commit } = transaction;
    if (commit === null || binding === null) return;
    if (binding.skip) return writer.skip(1);
    binding.judge?.truncated();
    writer.beginRow(Op.truncate, writer.tableIndex(binding.table), transaction.indexIn(writer, commit), ordinal);
  }

  /** What `pg_logical_emit_message` wrote. Only a transactional one has a place in the commit order. */
  #decodeMessage(writer: BatchWriter): void {
    const reader = this.#reader;
    const flags = reader.uint8();
    if (flags > 1) throw reader.damagedBefore(1, 'a logical message with unknown flags');
    reader.lsn();
    const prefix = reader.at;
    const prefixLength = reader.skipString();
    const length = reader.uint32();
    if (length !== reader.left) throw reader.damaged('the length of the content does not fit');
    if (flags === 0) return;
    const transaction = this.#openTransaction();
    const ordinal = transaction.nextOrdinal();
    if (transaction.commit === null) return;
    writer.beginRow(Op.message, NO_TABLE, transaction.indexIn(writer, transaction.commit), ordinal);
    writer.beginAfter();
    writer.cell(prefix, prefixLength);
    writer.cell(reader.at, length);
  }

  #openTransaction(): OpenTransaction {
    if (this.#transaction === null) throw this.#reader.damaged('no transaction is open');
    return this.#transaction;
  }

  #nextRelation(): BoundRelation {
    const oid = this.#reader.uint32();
    if (this.#lastRelation?.oid === oid) return this.#lastRelation;
    const own = this.#replaying ? this.#streamed!.relations.get(oid) : null;
    const relation = own ?? this.#relations.get(oid);
    if (relation === null) throw this.#reader.damagedBefore(4, 'a relation that was not announced');
    this.#lastRelation = relation;
    return relation;
  }
}
