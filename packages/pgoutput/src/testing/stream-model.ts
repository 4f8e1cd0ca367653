import { Op, unchanged } from '@weir/sdk';
import {
  encodeBegin,
  encodeCommit,
  encodeDelete,
  encodeInsert,
  encodeMessage,
  encodeOrigin,
  encodeRelation,
  encodeStreamAbort,
  encodeStreamCommit,
  encodeStreamStart,
  encodeStreamStop,
  encodeStreamed,
  encodeTruncate,
  encodeUpdate,
  type SentCell,
} from '../message-encoder.ts';
import type { Relation } from '../relation.ts';
import type { GivenEvent, GivenStreaming, GivenTable, GivenTransaction } from './given-stream.ts';
import { latin1, type ReadCell, type ReadRow } from './read-rows.ts';
import { doubled, dropFirstByte } from './recording-host.ts';

/** A message of a transaction, and what it does when it takes effect: at once, or at the commit of a streamed one. */
interface Step {
  readonly message: Uint8Array;
  readonly effect: (receipt: number) => void;
  readonly announces: boolean;
  readonly subtransaction: number;
  /** Number among the announcements that were received. */
  receipt: number;
}

/** A transaction that is sent, or on its way. */
interface Sent {
  readonly given: GivenTransaction;
  readonly id: number;
  readonly steps: readonly Step[];
  /** Steps that are sent in blocks already; -1 before the first. */
  sent: number;
  blocks: number;
}

/** What rows of a table become: the number of the announcement for the host, and for the stream. */
interface Bound {
  readonly version: number;
  readonly receipt: number;
}

/** The messages of some transactions, and the rows that must come out of them. */
export class StreamModel {
  readonly messages: Uint8Array[] = [];
  readonly rows: ReadRow[] = [];
  skipped = 0;
  commits = 0;
  /** From message number to the oid of the table whose `skip` the host turns before it. */
  readonly toggles: Map<number, number> = new Map();
  readonly delivered: bigint[] = [];
  readonly #tables: readonly GivenTable[];
  readonly #bound = new Map<number, Bound>();
  /** What the streamed transaction announced that takes effect. */
  #overlay: Map<number, Bound> | null = null;
  /** Versions that are left out and counted. */
  readonly #skipping = new Set<number>();
  /** The last version of each table that the host was told of. */
  readonly #latest = new Map<number, number>();
  #steps: Step[] = [];
  #subtransaction = 0;
  #announced = 0;
  #receipts = 0;
  #lsn = 0n;
  #ordinal = 0;
  #isDelivered = false;

  constructor(tables: readonly GivenTable[], transactions: readonly GivenTransaction[]) {
    this.#tables = tables;
    for (const { relation } of tables) {
      this.messages.push(encodeRelation(relation));
      this.#announce(relation, ++this.#receipts);
    }
    const all = transactions.map((given, index) => this.#prepare(given, index + 1));
    for (const [index, transaction] of all.entries()) {
      for (const [later, other] of all.slice(index).entries()) {
        if (other.given.streaming !== null && later <= other.given.streaming.early) this.#block(other);
      }
      if (transaction.given.streaming === null) this.#plain(transaction);
      else this.#streamed(transaction, transaction.given.streaming);
    }
  }

  #prepare(given: GivenTransaction, id: number): Sent {
    this.#steps = [];
    for (const event of given.events) {
      if (given.streaming !== null && event.kind === 'toggle skip') continue;
      this.#subtransaction = event.subtransaction;
      this.#event(event);
    }
    return { given, id, steps: this.#steps, sent: -1, blocks: 0 };
  }

  #plain({ given, id, steps }: Sent): void {
    const end = this.#nextEnd();
    this.messages.push(encodeBegin({ commitLsn: end.commitLsn, time: end.time, transactionId: id }));
    if (given.origin) this.messages.push(encodeOrigin(end.commitLsn, 'origin'));
    this.#begin(given);
    for (const { message, effect, announces } of steps) {
      if (announces) this.#receipts++;
      effect(this.#receipts);
      this.messages.push(message);
    }
    this.messages.push(encodeCommit(end));
    this.commits++;
  }

  #streamed(transaction: Sent, { aborted, abort }: GivenStreaming): void {
    const { given, id, steps } = transaction;
    while (transaction.sent < steps.length) this.#block(transaction);
    const gone = [1, 2].filter((subtransaction) => aborted[subtransaction - 1]);
    for (const each of gone) this.#abort(id, subtransactionId(id, each));
    if (abort) return this.#abort(id, id);
    const end = this.#nextEnd();
    this.messages.push(encodeStreamCommit({ transactionId: id, ...end }));
    this.#begin(given);
    this.#overlay = new Map();
    for (const { effect, receipt, subtransaction } of steps) if (!gone.includes(subtransaction)) effect(receipt);
    this.#merge(this.#overlay);
    this.commits++;
  }

  /** What the transaction announced stays, but where something was announced later: the host hears of that once more. */
  #merge(overlay: ReadonlyMap<number, Bound>): void {
    this.#overlay = null;
    const again: number[] = [];
    for (const [oid, bound] of overlay) {
      if (this.#bound.get(oid)!.receipt > bound.receipt) again.push(oid);
      else this.#bound.set(oid, bound);
    }
    for (const oid of again) {
      this.#announce(this.#tables.find(({ relation }) => relation.oid === oid)!.relation, ++this.#receipts);
    }
  }

  #abort(transactionId: number, subtransaction: number): void {
    const place = this.messages.length % 2 === 0 ? { lsn: null, time: null } : { lsn: 7n, time: 7 };
    this.messages.push(encodeStreamAbort({ transactionId, subtransactionId: subtransaction, ...place }));
  }

  /** Sends some of the messages of a transaction that has not ended. */
  #block(transaction: Sent): void {
    const { id, steps, given } = transaction;
    if (transaction.sent >= steps.length) return;
    const first = transaction.sent === -1;
    const from = Math.max(0, transaction.sent);
    const sizes = given.streaming!.blocks;
    const size = sizes[transaction.blocks++ % sizes.length]!;
    this.messages.push(encodeStreamStart({ transactionId: id, first }));
    if (first && given.origin) this.messages.push(encodeOrigin(0n, 'origin'));
    for (const step of steps.slice(from, from + size)) {
      if (step.announces) step.receipt = ++this.#receipts;
      this.messages.push(encodeStreamed(subtransactionId(id, step.subtransaction), step.message));
    }
    this.messages.push(encodeStreamStop());
    transaction.sent = Math.min(steps.length, from + size);
  }

  #nextEnd(): { commitLsn: bigint; endLsn: bigint; time: number } {
    const commitLsn = (this.#lsn += 0x1_0000_0001n);
    return { commitLsn, endLsn: commitLsn + 8n, time: Number(commitLsn) * 1000 };
  }

  #begin({ delivered }: GivenTransaction): void {
    if (delivered) this.delivered.push(this.#lsn);
    this.#isDelivered = delivered;
    this.#ordinal = 0;
  }

  #announce({ oid }: Relation, receipt: number): void {
    const map = this.#overlay ?? this.#bound;
    const version = ++this.#announced;
    map.delete(oid);
    map.set(oid, { version, receipt });
    this.#latest.set(oid, version);
  }

  #step(message: Uint8Array, effect: (receipt: number) => void, announces = false): void {
    this.#steps.push({ message, effect, announces, subtransaction: this.#subtransaction, receipt: 0 });
  }

  #event(given: GivenEvent): void {
    const table = this.#tables[given.table % this.#tables.length]!;
    const { relation } = table;
    switch (given.kind) {
      case 'truncate':
        return this.#step(encodeTruncate(this.#tables.map((each) => each.relation.oid)), () => {
          for (const each of this.#tables) this.#row(each, Op.truncate, null, null);
        });
      case 'message':
      case 'loose message':
        return this.#message(given.kind === 'message', relation.name, bytesOf(given.old[0]!));
      case 'announce':
        return this.#step(encodeRelation(relation), (receipt) => this.#announce(relation, receipt), true);
      case 'toggle skip':
        return this.#toggleSkip(relation.oid);
      default:
        return this.#rowEvent(given, table);
    }
  }

  #message(transactional: boolean, prefix: string, content: Uint8Array): void {
    this.#step(encodeMessage(transactional, 7n, prefix, content), () => {
      if (transactional) this.#row(null, Op.message, null, [latin1(bytesOf(prefix)), latin1(content)]);
    });
  }

  #toggleSkip(oid: number): void {
    // A message that says nothing, for the toggle to stand before.
    this.#step(encodeOrigin(0n, ''), () => {
      this.toggles.set(this.messages.length, oid);
      const version = this.#latest.get(oid)!;
      if (!this.#skipping.delete(version)) this.#skipping.add(version);
    });
  }

  #rowEvent(given: GivenEvent, table: GivenTable): void {
    const { oid, columns } = table.relation;
    const after = given.new.slice(0, columns.length);
    const afterImage = canonical(table, after);
    const row = (op: Op, message: Uint8Array, before: ReadCell[] | null, image: ReadCell[] | null): void =>
      this.#step(message, () => this.#row(table, op, before, image));
    if (given.kind === 'insert') return row(Op.insert, encodeInsert(oid, after), null, afterImage);
    if (given.kind === 'update') return row(Op.update, encodeUpdate(oid, null, after), null, afterImage);
    const whole = given.kind.endsWith('full');
    const sentAsOld = columns.map(({ isKey }, column) => (whole || isKey ? given.old[column]! : null));
    const before = canonical(table, columns.map(({ isKey }, column) => (whole || isKey ? given.old[column]! : unchanged)));
    const old = { kind: whole ? 'O' : 'K', cells: sentAsOld } as const;
    if (given.kind.startsWith('delete')) return row(Op.delete, encodeDelete(oid, old), before, null);
    const filled = afterImage.map((cell, column) => (cell === unchanged ? before[column]! : cell));
    row(Op.update, encodeUpdate(oid, old, after), before, filled);
  }

  #row(table: GivenTable | null, op: Op, before: ReadCell[] | null, after: ReadCell[] | null): void {
    const ordinal = ++this.#ordinal;
    if (this.#isDelivered || table?.treatment.leftOut === true) return;
    const position = String(this.#lsn);
    if (table === null) return void this.rows.push({ op, table: '', position, ordinal, before, after });
    const { oid, name } = table.relation;
    const { version } = this.#overlay?.get(oid) ?? this.#bound.get(oid)!;
    if (this.#skipping.has(version)) this.skipped++;
    else this.rows.push({ op, table: `${name}@${version}`, position, ordinal, before, after });
  }
}

/** Of a subtransaction of a transaction; 0 is the transaction itself. */
function subtransactionId(id: number, subtransaction: number): number {
  return subtransaction === 0 ? id : id * 1000 + subtransaction;
}

/** The cells that the rewrites of a table make of what is sent. */
function canonical({ treatment }: GivenTable, cells: readonly SentCell[]): ReadCell[] {
  return cells.map((cell, column) => {
    if (cell === null || cell === unchanged) return cell;
    const sent = latin1(bytesOf(cell));
    const rewrite = treatment.rewrites[column];
    if (rewrite === dropFirstByte) return sent.slice(1);
    return rewrite === doubled ? `<${sent}${sent}>` : sent;
  });
}

function bytesOf(cell: SentCell): Uint8Array {
  return cell instanceof Uint8Array ? cell : Buffer.from(typeof cell === 'string' ? cell : '');
}
