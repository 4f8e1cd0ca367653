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
import { LARGE, cellsIn, relationOf, rowAt, type SimRow, type SimTable } from './sim-tables.ts';
import type { LogRecord, SimChange, SimTransaction } from './sim-transaction.ts';

/** Changes of a transaction that are sent before its end, once so many of them wait. */
export type StreamsAfter = number | null;

/** What the output plugin writes, and the place in the log that the server gives with it. */
export interface PluginMessage {
  readonly lsn: number;
  readonly bytes: Uint8Array;
}

export interface WalsenderOptions {
  /** Null, as by default: every transaction comes at its end. */
  readonly streamsAfter?: StreamsAfter;
  /** It ends with the record that lies across this place, or ends there; by default it goes on for ever. */
  readonly until?: number;
}

/** What is said of a transaction, or of a block of one, goes out in pieces of about so many messages. */
const PIECE_MESSAGES = 64;

/** What is being said. */
interface Saying {
  readonly transaction: SimTransaction;
  /** Of its changes. */
  readonly changes: readonly number[];
  readonly inBlock: boolean;
  /** What ends it. */
  readonly end: readonly Uint8Array[];
  /** The next change, and of one that is a run of rows the next row. */
  change: number;
  row: number;
}

const low = (id: number): number => id % 2 ** 32;

/** Reads the log for one connection and says what the output plugin would: commit by commit, or in blocks before the commit. */
export class Walsender {
  readonly #database: Database;
  readonly #start: number;
  readonly #until: number;
  readonly #streamsAfter: StreamsAfter;
  /** The form in which a table was announced last, by its oid. */
  readonly #announced = new Map<number, SimTable>();
  /** Changes that wait for the end of their transaction. */
  readonly #waiting = new Map<SimTransaction, number[]>();
  readonly #streamed = new Set<SimTransaction>();
  #at = 0;
  /** Of the record before `#at`: what is left of it. */
  #saying: Saying | null = null;
  /** Places of the messages that are made now, where they are not that of the record: rows come long after they were written. */
  #lsns: number[] = [];

  /** @param start what committed below it is not sent */
  constructor(database: Database, start: number, { streamsAfter = null, until = Number.POSITIVE_INFINITY }: WalsenderOptions = {}) {
    this.#database = database;
    this.#start = start;
    this.#streamsAfter = streamsAfter;
    this.#until = until;
  }

  get hasMore(): boolean {
    return this.#saying !== null || (this.#database.log[this.#at]?.lsn ?? this.#until) < this.#until;
  }

  /** Everything that committed below it is sent. */
  get sentLsn(): number {
    return this.hasMore ? this.#record.lsn : this.#database.end;
  }

  /** The one that is being read, or comes next. */
  get #record(): LogRecord {
    return this.#database.log[this.#saying === null ? this.#at : this.#at - 1]!;
  }

  /** Reads one record of the log, or goes on with one of which there is much to say. @returns what there is to say */
  next(): PluginMessage[] {
    const { lsn } = this.#record;
    this.#lsns = [];
    const said = this.#saying === null ? this.#read() : this.#say(this.#saying, []);
    return said.map((bytes, index) => ({ lsn: this.#lsns[index] ?? lsn, bytes }));
  }

  #read(): Uint8Array[] {
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
    const { id, commitLsn, endLsn, time } = transaction;
    const ends = { commitLsn: BigInt(commitLsn), endLsn: BigInt(endLsn), time };
    const waiting = this.#waiting.get(transaction) ?? [];
    if (this.#streamed.has(transaction)) {
      const end = [encodeStreamCommit({ ...ends, transactionId: low(id) })];
      const rest = waiting.length === 0 ? end : this.#block(transaction, end);
      this.#waiting.delete(transaction);
      this.#streamed.delete(transaction);
      return rest;
    }
    this.#waiting.delete(transaction);
    // From version 15 on nothing is said of a transaction without changes that concern the publication.
    if (waiting.length === 0) return [];
    // BEGIN has the place of the first change.
    this.#lsns.push(transaction.changes[waiting[0]!]!.lsn);
    const begin = encodeBegin({ ...ends, transactionId: low(id) });
    return this.#say({ transaction, changes: waiting, inBlock: false, end: [encodeCommit(ends)], change: 0, row: 0 }, [begin]);
  }

  /** @param behind what follows it at once */
  #block(transaction: SimTransaction, behind: readonly Uint8Array[] = []): Uint8Array[] {
    const changes = this.#waiting.get(transaction) ?? [];
    const first = !this.#streamed.has(transaction);
    this.#streamed.add(transaction);
    this.#waiting.set(transaction, []);
    // What is said in a block counts for its transaction, which may be rolled back.
    this.#announced.clear();
    const start = encodeStreamStart({ transactionId: low(transaction.id), first });
    return this.#say({ transaction, changes, inBlock: true, end: [encodeStreamStop(), ...behind], change: 0, row: 0 }, [start]);
  }

  /** Goes on with it, until a piece is full. @param messages the beginning of the piece */
  #say(saying: Saying, messages: Uint8Array[]): Uint8Array[] {
    const { transaction, changes, inBlock } = saying;
    this.#saying = saying;
    while (saying.change < changes.length) {
      if (messages.length >= PIECE_MESSAGES) return messages;
      const change = transaction.changes[changes[saying.change]!]!;
      for (const message of this.#change(change, saying.row)) {
        messages.push(inBlock ? encodeStreamed(low(change.sub), message) : message);
        if (!inBlock) this.#lsns.push(change.lsn);
      }
      if (++saying.row < (change.run?.count ?? 1)) continue;
      saying.row = 0;
      saying.change++;
    }
    this.#saying = null;
    if (inBlock) this.#announced.clear();
    messages.push(...saying.end);
    return messages;
  }

  /** @param place of its row, where it is about a run of rows */
  #change(change: SimChange, place: number): Uint8Array[] {
    const { table } = change;
    const messages: Uint8Array[] = [];
    if (this.#announced.get(table.oid) !== table) {
      this.#announced.set(table.oid, table);
      messages.push(encodeRelation(relationOf(table)));
    }
    messages.push(encodeChange(change, change.run === null ? change.row : rowAt(change.run, place)));
    return messages;
  }
}

function encodeChange({ table, op, oldKey, keepsLarge }: SimChange, row: SimRow | null): Uint8Array {
  const large = keepsLarge ? table.shape.columns.findIndex(({ attnum }) => attnum === LARGE) : -1;
  const cells = row === null ? [] : cellsIn(table, row).map((cell, place) => (place === large ? unchanged : cell));
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
