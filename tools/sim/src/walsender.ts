import {
  encodeBegin,
  encodeCommit,
  encodeDelete,
  encodeInsert,
  encodeRelation,
  encodeStreamAbort,
  encodeStreamCommit,
  encodeStreamStart,
  encodeStreamStop,
  encodeStreamed,
  encodeTruncate,
  encodeUpdate,
} from '@weir/pgoutput/encoder';
import { unchanged } from '@weir/sdk';
import type { Database } from './database.ts';
import { cellsIn, relationOf, type SimTable } from './sim-tables.ts';
import type { LogRecord, SimChange, SimTransaction } from './sim-transaction.ts';

/** Changes of a transaction that are sent before its end, once so many of them wait. */
export type StreamsAfter = number | null;

/** What the output plugin writes, and the place in the log that the server gives with it. */
export interface PluginMessage {
  readonly lsn: number;
  readonly bytes: Uint8Array;
}

const low = (id: number): number => id % 2 ** 32;

/** Reads the log for one connection and says what the output plugin would: commit by commit, or in blocks before the commit. */
export class Walsender {
  readonly #database: Database;
  readonly #from: bigint;
  readonly #start: number;
  readonly #streamsAfter: StreamsAfter;
  /** The form in which a table was announced last, by its oid. */
  readonly #announced = new Map<number, SimTable>();
  /** Changes that wait for the end of their transaction. */
  readonly #waiting = new Map<SimTransaction, number[]>();
  readonly #streamed = new Set<SimTransaction>();
  #at = 0;
  /** Places of the messages that are made now, where they are not that of the record: rows come long after they were written. */
  #lsns: number[] = [];

  /** @param from what committed below it is not sent */
  constructor(database: Database, from: number, streamsAfter: StreamsAfter) {
    this.#database = database;
    // A server moves a start that it has confirmed already forward.
    this.#start = Math.max(from, database.confirmed ?? 0);
    this.#from = BigInt(this.#start);
    this.#streamsAfter = streamsAfter;
  }

  get from(): bigint {
    return this.#from;
  }

  get hasMore(): boolean {
    return this.#at < this.#database.log.length;
  }

  /** Everything that committed below it is sent. */
  get sentLsn(): number {
    return this.hasMore ? this.#database.log[this.#at]!.lsn : this.#database.end;
  }

  /** Reads one record of the log. @returns what there is to say about it */
  next(): PluginMessage[] {
    const { lsn } = this.#database.log[this.#at]!;
    return this.#read().map((bytes, index) => ({ lsn: this.#lsns[index] ?? lsn, bytes }));
  }

  #read(): Uint8Array[] {
    this.#lsns = [];
    const record = this.#database.log[this.#at++]!;
    const { transaction } = record;
    // What ended before is of no account; a server begins to read behind most of it.
    if (transaction.commitLsn < this.#start) return [];
    switch (record.kind) {
      case 'row':
        return this.#row(transaction, record.change);
      case 'abort of a part':
        return this.#partAborted(record);
      case 'abort':
        this.#waiting.delete(transaction);
        if (!this.#streamed.delete(transaction)) return [];
        return [this.#abort(transaction, transaction.id)];
      case 'commit':
        return this.#commit(transaction);
    }
  }

  #row(transaction: SimTransaction, change: number): Uint8Array[] {
    const waiting = this.#waiting.get(transaction) ?? [];
    this.#waiting.set(transaction, waiting);
    waiting.push(change);
    return this.#streamsAfter !== null && waiting.length >= this.#streamsAfter ? this.#block(transaction) : [];
  }

  #partAborted({ transaction, aborted }: Extract<LogRecord, { kind: 'abort of a part' }>): Uint8Array[] {
    const waiting = this.#waiting.get(transaction) ?? [];
    this.#waiting.set(transaction, waiting.filter((change) => !aborted.has(transaction.changes[change]!.sub)));
    if (!this.#streamed.has(transaction)) return [];
    return [...aborted].map((sub) => this.#abort(transaction, sub));
  }

  #abort({ id }: SimTransaction, sub: number): Uint8Array {
    return encodeStreamAbort({ transactionId: low(id), subtransactionId: low(sub), lsn: null, time: null });
  }

  #commit(transaction: SimTransaction): Uint8Array[] {
    const { id, commitLsn, endLsn } = transaction;
    const ends = { commitLsn: BigInt(commitLsn), endLsn: BigInt(endLsn), time: commitLsn * 1000 };
    if (this.#streamed.has(transaction)) {
      const rest = this.#block(transaction);
      this.#waiting.delete(transaction);
      this.#streamed.delete(transaction);
      return [...rest, encodeStreamCommit({ ...ends, transactionId: low(id) })];
    }
    const waiting = this.#waiting.get(transaction) ?? [];
    this.#waiting.delete(transaction);
    // From version 15 on nothing is said of a transaction without changes that concern the publication.
    if (waiting.length === 0) return [];
    const messages = [encodeBegin({ ...ends, transactionId: low(id) })];
    for (const index of waiting) {
      const change = transaction.changes[index]!;
      const said = this.#change(change);
      // BEGIN has the place of the first change.
      if (this.#lsns.length === 0) this.#lsns.push(change.lsn);
      for (const message of said) {
        messages.push(message);
        this.#lsns.push(change.lsn);
      }
    }
    messages.push(encodeCommit(ends));
    return messages;
  }

  #block(transaction: SimTransaction): Uint8Array[] {
    const waiting = this.#waiting.get(transaction) ?? [];
    if (waiting.length === 0) return [];
    const first = !this.#streamed.has(transaction);
    this.#streamed.add(transaction);
    this.#waiting.set(transaction, []);
    const messages = [encodeStreamStart({ transactionId: low(transaction.id), first })];
    // What is said in a block counts for its transaction, which may be rolled back.
    this.#announced.clear();
    for (const index of waiting) {
      const change = transaction.changes[index]!;
      for (const message of this.#change(change)) messages.push(encodeStreamed(low(change.sub), message));
    }
    this.#announced.clear();
    messages.push(encodeStreamStop());
    return messages;
  }

  #change(change: SimChange): Uint8Array[] {
    const { table } = change;
    const messages: Uint8Array[] = [];
    if (this.#announced.get(table.oid) !== table) {
      this.#announced.set(table.oid, table);
      messages.push(encodeRelation(relationOf(table)));
    }
    messages.push(encodeChange(change));
    return messages;
  }
}

function encodeChange({ table, op, row, oldKey, keepsLarge }: SimChange): Uint8Array {
  const cells = row === null ? [] : cellsIn(table, row).map((cell, place) => (place === 2 && keepsLarge ? unchanged : cell));
  const old = oldKey === null ? null : ({ kind: 'K', cells: table.shape.columns.map((_, at) => (at === 0 ? oldKey : null)) } as const);
  switch (op) {
    case 'insert':
      return encodeInsert(table.oid, cells);
    case 'update':
      return encodeUpdate(table.oid, old, cells);
    case 'delete':
      return encodeDelete(table.oid, old!);
    case 'truncate':
      return encodeTruncate([table.oid]);
  }
}
