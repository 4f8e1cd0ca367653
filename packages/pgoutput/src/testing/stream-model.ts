import { Op, unchanged } from '@weir/sdk';
import {
  encodeBegin,
  encodeCommit,
  encodeDelete,
  encodeInsert,
  encodeMessage,
  encodeOrigin,
  encodeRelation,
  encodeTruncate,
  encodeUpdate,
  type SentCell,
} from '../message-encoder.ts';
import type { Relation } from '../relation.ts';
import type { GivenEvent, GivenTable, GivenTransaction } from './given-stream.ts';
import { latin1, type ReadCell, type ReadRow } from './read-rows.ts';
import { doubled, dropFirstByte } from './recording-host.ts';

/** The messages of some transactions, and the rows that must come out of them. */
export class StreamModel {
  readonly messages: Uint8Array[] = [];
  readonly rows: ReadRow[] = [];
  skipped = 0;
  /** From message number to the oid of the table whose `skip` the host turns before it. */
  readonly toggles: Map<number, number> = new Map();
  readonly delivered: bigint[] = [];
  readonly #tables: readonly GivenTable[];
  /** How many announcements there had been when a table was announced last. */
  readonly #versions = new Map<number, number>();
  readonly #skipping = new Set<number>();
  #announced = 0;
  #lsn = 0n;
  #ordinal = 0;
  #isDelivered = false;

  constructor(tables: readonly GivenTable[], transactions: readonly GivenTransaction[]) {
    this.#tables = tables;
    for (const { relation } of tables) this.#announce(relation);
    for (const given of transactions) this.#transaction(given);
  }

  #transaction({ delivered, origin, events }: GivenTransaction): void {
    const commitLsn = (this.#lsn += 0x1_0000_0001n);
    const time = Number(commitLsn) * 1000;
    this.messages.push(encodeBegin({ commitLsn, time, transactionId: Number(commitLsn & 0xffff_ffffn) }));
    if (origin) this.messages.push(encodeOrigin(commitLsn, 'origin'));
    if (delivered) this.delivered.push(commitLsn);
    this.#isDelivered = delivered;
    this.#ordinal = 0;
    for (const given of events) this.#event(given);
    this.messages.push(encodeCommit({ commitLsn, endLsn: commitLsn + 8n, time }));
  }

  #announce(relation: Relation): void {
    this.messages.push(encodeRelation(relation));
    this.#versions.set(relation.oid, ++this.#announced);
    this.#skipping.delete(relation.oid);
  }

  #event(given: GivenEvent): void {
    const table = this.#tables[given.table % this.#tables.length]!;
    switch (given.kind) {
      case 'truncate':
        this.messages.push(encodeTruncate(this.#tables.map(({ relation }) => relation.oid)));
        for (const each of this.#tables) this.#row(each, Op.truncate, null, null);
        return;
      case 'message':
      case 'loose message':
        return this.#message(given.kind === 'message', table.relation.name, bytesOf(given.old[0]!));
      case 'announce':
        return this.#announce(table.relation);
      case 'toggle skip':
        return this.#toggleSkip(table.relation.oid);
      default:
        return this.#rowEvent(given, table);
    }
  }

  #message(transactional: boolean, prefix: string, content: Uint8Array): void {
    this.messages.push(encodeMessage(transactional, this.#lsn, prefix, content));
    if (transactional) this.#row(null, Op.message, null, [latin1(bytesOf(prefix)), latin1(content)]);
  }

  #toggleSkip(oid: number): void {
    this.toggles.set(this.messages.length, oid);
    // A message that says nothing, for the toggle to stand before.
    this.messages.push(encodeOrigin(0n, ''));
    if (!this.#skipping.delete(oid)) this.#skipping.add(oid);
  }

  #rowEvent(given: GivenEvent, table: GivenTable): void {
    const { oid, columns } = table.relation;
    const after = given.new.slice(0, columns.length);
    const afterImage = canonical(table, after);
    if (given.kind === 'insert') {
      this.messages.push(encodeInsert(oid, after));
      return this.#row(table, Op.insert, null, afterImage);
    }
    if (given.kind === 'update') {
      this.messages.push(encodeUpdate(oid, null, after));
      return this.#row(table, Op.update, null, afterImage);
    }
    const whole = given.kind.endsWith('full');
    const sentAsOld = columns.map(({ isKey }, column) => (whole || isKey ? given.old[column]! : null));
    const before = canonical(table, columns.map(({ isKey }, column) => (whole || isKey ? given.old[column]! : unchanged)));
    const old = { kind: whole ? 'O' : 'K', cells: sentAsOld } as const;
    if (given.kind.startsWith('delete')) {
      this.messages.push(encodeDelete(oid, old));
      return this.#row(table, Op.delete, before, null);
    }
    this.messages.push(encodeUpdate(oid, old, after));
    this.#row(table, Op.update, before, afterImage.map((cell, column) => (cell === unchanged ? before[column]! : cell)));
  }

  #row(table: GivenTable | null, op: Op, before: ReadCell[] | null, after: ReadCell[] | null): void {
    const ordinal = ++this.#ordinal;
    if (this.#isDelivered || table?.treatment.leftOut === true) return;
    if (table !== null && this.#skipping.has(table.relation.oid)) this.skipped++;
    else {
      const name = table === null ? '' : `${table.relation.name}@${this.#versions.get(table.relation.oid)!}`;
      this.rows.push({ op, table: name, position: String(this.#lsn), ordinal, before, after });
    }
  }
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
