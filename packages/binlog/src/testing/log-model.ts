import { Op, unchanged } from '@weir/sdk';
import { EventEncoder } from '../event-encoder.ts';
import { EventType } from '../event-type.ts';
import type { SentRow, SentValue } from '../encoding/rows-body.ts';
import { formatXid } from '../xid.ts';
import { valueWidth } from '../value-width.ts';
import { valueOf, type GivenLog, type GivenRow, type GivenRows, type GivenTable, type GivenTransaction } from './given-log.ts';
import { latin1, type ReadCell, type ReadRow } from './read-rows.ts';
import { bindingOf, gtidText } from './recording-host.ts';

const FILE = 'binlog.000001';
const UUID = '00000000-1111-2222-3333-444444444444';

/** What is fed, and which table's `skip` the host turns before it. */
export interface Step {
  readonly event: Uint8Array;
  readonly toggle: string | null;
}

type RowWithoutPlace = Omit<ReadRow, 'position' | 'ordinal' | 'table'> & { readonly table: GivenTable };

/** The events of a log, and the rows that must come out of it. */
export class LogModel {
  readonly steps: Step[] = [];
  readonly rows: ReadRow[] = [];
  readonly delivered: string[] = [];
  skipped = 0;
  ends = 0;
  statements = 0;
  readonly #given: GivenLog;
  readonly #log: EventEncoder;
  readonly #skipping = new Map<string, boolean>();
  #transaction = 0;
  #place = '';
  #isDelivered = false;
  #ordinal = 0;

  constructor(given: GivenLog) {
    this.#given = given;
    this.#log = new EventEncoder({ flavour: given.flavour, checksums: given.checksums });
    this.#push(this.#log.rotate(FILE, 4, { artificial: true }));
    this.#push(this.#log.format());
    for (const { map, treatment } of given.tables) this.#skipping.set(map.name, treatment.skip ?? false);
    for (const transaction of given.transactions) {
      if (transaction.xa === null) this.#plain(transaction);
      else this.#xa(transaction, transaction.xa);
      if (transaction.definition) this.#define();
    }
  }

  #push(event: Uint8Array, toggle: string | null = null): void {
    this.steps.push({ event, toggle });
  }

  #announce(delivered: boolean, mode: 'begin' | 'standalone' | 'prepare' | 'complete' = 'begin'): void {
    this.#place = `${FILE}:${this.#log.position}`;
    this.#ordinal = 0;
    const number = BigInt(++this.#transaction);
    const time = { commitTime: 1_700_000_000_000_000 + this.#transaction, originalCommitTime: 1_700_000_000_000_007 };
    const mysql = { uuid: UUID, tag: this.#transaction % 3 === 0 ? 'tag' : '', number };
    const mariadb = { domain: 3, server: 7, sequence: number };
    const xa = { format: 1, global: this.#global(), branch: new Uint8Array(0) };
    if (this.#given.flavour === 'mariadb') {
      const step = mode === 'prepare' || mode === 'complete' ? { xa: { step: mode, ...xa } } : {};
      this.#push(this.#log.mariadbGtid({ gtid: mariadb, standalone: mode === 'standalone', groupCommit: number % 2n === 0n, ...step }));
    } else if (mysql.tag === '') this.#push(this.#log.gtid({ gtid: mysql, ...time }));
    else this.#push(this.#log.taggedGtid({ gtid: mysql, ...time }, 'ignorable'));
    this.#isDelivered = delivered;
    if (delivered) this.delivered.push(gtidText(this.#given.flavour === 'mariadb' ? mariadb : mysql));
  }

  #global(): Uint8Array {
    return Buffer.from(`x${this.#given.transactions.length}`);
  }

  #query(log: EventEncoder, text: string): Uint8Array {
    return log.query({ text, database: 'shop', variables: Uint8Array.of(0, 1, 2, 3, 4, 4, 33, 0, 33, 0, 8, 0) });
  }

  #plain({ delivered, payload, changes, end }: GivenTransaction): void {
    this.#announce(delivered);
    const isMysql = this.#given.flavour === 'mysql';
    const inner = isMysql && payload !== null ? new EventEncoder({ checksums: false }) : null;
    const log = inner ?? this.#log;
    const events: Step[] = isMysql ? [{ event: this.#query(log, 'BEGIN'), toggle: null }] : [];
    for (const change of changes) events.push(...this.#change(log, change, inner === null));
    events.push({ event: end === 'xid' ? log.xid() : this.#query(log, 'COMMIT'), toggle: null });
    if (inner === null) this.steps.push(...events);
    else this.#push(this.#log.payload(events.map(({ event }) => event), { compressed: payload === 'zstd' }));
    this.ends++;
  }

  /** XA START up to PREPARE, then COMMIT or ROLLBACK with a GTID of its own. */
  #xa({ delivered, changes }: GivenTransaction, end: 'commit' | 'one phase' | 'rollback'): void {
    const isMysql = this.#given.flavour === 'mysql';
    const onePhase = end === 'one phase' && isMysql;
    const global = this.#global();
    const xid = formatXid(1, global, new Uint8Array(0));
    this.#announce(onePhase && delivered, 'prepare');
    if (isMysql) this.#push(this.#query(this.#log, `XA START ${xid}`));
    const kept = changes.flatMap((change) => this.#sent(change).map((sent) => ({ sent, table: this.#tableOf(change) })));
    for (const change of changes) this.steps.push(...this.#events(this.#log, change, false));
    if (isMysql) this.#push(this.#query(this.#log, `XA END ${xid}`));
    this.#push(this.#log.xaPrepare(1, global, new Uint8Array(0), { onePhase }));
    if (!onePhase) {
      this.#announce(end !== 'rollback' && delivered, 'complete');
      this.#push(this.#query(this.#log, `XA ${end === 'rollback' ? 'ROLLBACK' : 'COMMIT'} ${xid}`));
    }
    if (end === 'rollback') return;
    for (const { sent } of kept) this.#expect(sent);
    this.ends++;
  }

  #define(): void {
    this.#announce(false, 'standalone');
    this.#push(this.#query(this.#log, 'ALTER TABLE t ADD COLUMN c INT'));
    this.statements++;
    this.ends++;
  }

  #tableOf({ table }: GivenRows): GivenTable {
    return this.#given.tables[table % this.#given.tables.length]!;
  }

  #change(log: EventEncoder, change: GivenRows, canToggle: boolean): Step[] {
    const steps = this.#events(log, change, canToggle);
    if (steps[0]!.toggle !== null) this.#skipping.set(steps[0]!.toggle, !this.#skipping.get(steps[0]!.toggle)!);
    for (const sent of this.#sent(change)) this.#expect(sent);
    return steps;
  }

  /** The announcement of the table and of another one, and the rows: in one event, or in two without an announcement between. */
  #events(log: EventEncoder, change: GivenRows, canToggle: boolean): Step[] {
    const { map, metadata, listCharsets, treatment } = this.#tableOf(change);
    const other = this.#given.tables.at(-1)!;
    const announce = ({ map: each, metadata: said, listCharsets: list }: GivenTable): Step => {
      return { event: log.tableMap(each, { metadata: said, listCharsets: list, flavour: this.#given.flavour }), toggle: null };
    };
    const toggle = canToggle && change.toggle && treatment.leftOut !== true && this.#isBound(map.name) ? map.name : null;
    const rows = change.rows.map((row) => this.#sentRow(change, row));
    const half = change.endsStatement ? rows.length : Math.ceil(rows.length / 2);
    const event = (some: readonly SentRow[], endsStatement: boolean): Step => {
      const sent = { type: this.#type(change), tableId: map.tableId, columns: map.columns.length, rows: some, endsStatement, extra: change.extra };
      const compressed = this.#given.flavour === 'mariadb' && change.compressed;
      return { event: compressed ? log.compressed(sent) : log.rows(sent), toggle: null };
    };
    const steps = [{ ...announce({ map, metadata, listCharsets, treatment }), toggle }, announce(other), event(rows.slice(0, half), half === rows.length)];
    if (half < rows.length) steps.push(event(rows.slice(half), true));
    return steps;
  }

  /** A table is bound when its rows came first; only then can its `skip` be turned. */
  #isBound(name: string): boolean {
    return this.rows.some(({ table }) => table === name);
  }

  #type({ kind, version }: GivenRows): EventType {
    const types = {
      insert: [EventType.writeRowsV1, EventType.writeRows],
      update: [EventType.updateRowsV1, EventType.updateRows],
      delete: [EventType.deleteRowsV1, EventType.deleteRows],
    } as const;
    return types[kind][version - 1]!;
  }

  /** Columns that a before image, or the image of an insert, must have. */
  #identity({ map, treatment }: GivenTable, isInsert: boolean): Set<number> {
    const { table } = bindingOf(map, treatment, 1);
    const captured = map.columns.flatMap((_, index) => (treatment.cells[index] === null ? [] : [index]));
    return new Set(isInsert || table.key.length === 0 ? captured : table.key.map((index) => captured[index]!));
  }

  #sentRow(change: GivenRows, row: GivenRows['rows'][number]): SentRow {
    const table = this.#tableOf(change);
    const needed = this.#identity(table, change.kind === 'insert');
    const image = (values: GivenRow, absent: readonly boolean[], must: Set<number>): SentValue[] =>
      table.map.columns.map((each, index) => {
        // Never without any column, which would be no row.
        if (index > 0 && absent[index] === true && !must.has(index)) return undefined;
        return values[index] == null ? null : valueOf(each, values[index]);
      });
    if (change.kind === 'insert') return { after: image(row.new, change.absentAfter, needed) };
    const before = image(row.old, change.absentBefore, needed);
    return change.kind === 'delete' ? { before } : { before, after: image(row.new, change.absentAfter, new Set()) };
  }

  #sent(change: GivenRows): RowWithoutPlace[] {
    const table = this.#tableOf(change);
    const op = change.kind === 'insert' ? Op.insert : change.kind === 'update' ? Op.update : Op.delete;
    return change.rows.map((row) => {
      const { before, after } = this.#sentRow(change, row);
      const old = before === undefined ? null : this.#cells(table, before);
      const now = after === undefined ? null : this.#cells(table, after);
      const filled = now?.map((cell, index) => (cell === unchanged && old !== null ? old[index]! : cell)) ?? null;
      return { op, table, before: old, after: filled };
    });
  }

  /** What the test's decoders make of an image. */
  #cells({ map, treatment }: GivenTable, values: readonly SentValue[]): ReadCell[] {
    return values.flatMap((value, index): ReadCell[] => {
      const cell = treatment.cells[index]!;
      if (cell === null) return [];
      if (value === undefined) return [unchanged];
      if (value === null) return [null];
      const { type, meta } = map.columns[index]!;
      const width = valueWidth(type, meta);
      const text = latin1(width < 0 ? value.subarray(-width) : value);
      return [cell === 'doubled' ? `<${text}${text}>` : text];
    });
  }

  #expect({ op, table, before, after }: RowWithoutPlace): void {
    const ordinal = ++this.#ordinal;
    if (this.#isDelivered || table.treatment.leftOut === true) return;
    const { name } = table.map;
    if (this.#skipping.get(name) === true) this.skipped++;
    else this.rows.push({ op, table: name, position: this.#place, ordinal, before, after });
  }
}
