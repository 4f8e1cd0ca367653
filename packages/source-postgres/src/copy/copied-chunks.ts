import { formatLsn, parseLsn, type Begin, type TableBinding } from '@weir/pgoutput';
import { rangeHolds, type Key, type KeyRange } from '@weir/sdk';
import { isWhole, unreadChunks, unrepairedChunks, type ChunkState, type RoundState } from '../position.ts';
import type { CapturedTable } from '../shape/captured-table.ts';
import type { CapturedTables } from '../shape/captured-tables.ts';
import { VisibleTransactions } from '../stream/visible-transactions.ts';
import { CopyJudge, type CopyPlace } from './copy-judge.ts';
import { PassedTransactions } from './passed-transactions.ts';

/** More keys to read once more than this, and the whole table is read again. */
const MOST_HOLES = 1_000;

/** What was read of tables that are copied by key, as the stream has to know it, and as checkpoints keep it. */
export class CopiedChunks {
  readonly #tables: CapturedTables;
  readonly passed: PassedTransactions = new PassedTransactions();
  /** Bindings that ask before each row, by the table's oid. */
  readonly #judged = new Map<TableBinding, number>();
  #round: { readonly state: RoundState; readonly visible: VisibleTransactions } | null = null;
  /** What of the last round matters to the transaction that is open; null when its snapshot does not see it. */
  #ranges: RoundState['ranges'] | null = null;
  #end = 0n;

  constructor(tables: CapturedTables) {
    this.#tables = tables;
    this.#remember(tables.surroundings.round ?? null);
  }

  /** The stream has not come by the last round yet. */
  get remembersRound(): boolean {
    return this.#round !== null;
  }

  /** Tables are being copied, or the stream has not come by the last of them yet. */
  get isActive(): boolean {
    return this.#round !== null || this.unread().length > 0;
  }

  /** From this LSN on all that was copied belongs together; 0 before the first round. */
  get end(): bigint {
    return this.#end;
  }

  /** Who decides about a table's rows in the stream; null when all of them are news. */
  judge(captured: CapturedTable): CopyJudge | null {
    const { chunks, shaped, oid } = captured;
    if (chunks === null || (this.#round === null && isWhole(chunks))) return null;
    this.#judged.set(shaped!.binding, oid);
    return new CopyJudge(shaped!.table, this.#placeOf(oid));
  }

  /** A table is read once more, over the rows that sinks have of it. */
  readAgain(oid: number, how: 'in-place' | 'repair'): void {
    const tables = this.#tables;
    const captured = tables.withOid(oid)!;
    tables.put({ ...captured, chunks: how === 'repair' ? unrepairedChunks : unreadChunks });
    captured.shaped!.binding.judge = this.judge(tables.withOid(oid)!);
  }

  /** The stream begins a transaction that it delivers. */
  begins({ commitLsn, transactionId }: Begin): void {
    if (!this.isActive) return;
    this.passed.passed(transactionId);
    const round = this.#round;
    const isSeen = round !== null && commitLsn < this.#end && round.visible.sees(transactionId);
    this.#ranges = isSeen ? round.state.ranges : null;
  }

  /** What was read of these tables so far does not count: they are read from their first key on. */
  restart(oid: number): void {
    const tables = this.#tables;
    const captured = tables.withOid(oid);
    if (captured?.chunks == null) return;
    tables.put({ ...captured, chunks: { ...captured.chunks, ...unreadChunks } });
    const round = this.#round;
    if (round === null) return;
    this.#setRound({ ...round.state, ranges: round.state.ranges.filter((range) => range.oid !== oid) });
    if (this.#ranges !== null) this.#ranges = this.#round!.state.ranges;
  }

  #placeOf(oid: number): CopyPlace {
    return {
      delivers: (key, order) => this.#delivers(oid, key, order),
      addHole: (key) => this.#addHole(oid, key),
      truncated: () => this.#truncated(oid),
    };
  }

  #delivers(oid: number, key: Key, order: (a: Key, b: Key) => number): boolean {
    const chunks = this.#tables.withOid(oid)?.chunks ?? null;
    if (chunks === null) return true;
    const isRead = chunks.done || (chunks.upTo !== null && order(key, chunks.upTo) <= 0);
    if (!isRead || chunks.holes.some((hole) => order(hole, key) === 0)) return false;
    return this.#ranges === null || !this.#ranges.some((range) => range.oid === oid && rangeHolds(range, key, order));
  }

  /** Chunks that were read behind the TRUNCATE are lost at the sink with it; those from before it are empty now. */
  #truncated(oid: number): void {
    if (this.#ranges?.some((range) => range.oid === oid) === true) this.restart(oid);
  }

  #addHole(oid: number, key: Key): void {
    const tables = this.#tables;
    const captured = tables.withOid(oid)!;
    const chunks = captured.chunks!;
    // Beyond any use: then the table is quicker to read as a whole.
    if (chunks.holes.length >= MOST_HOLES) return this.restart(oid);
    tables.put({ ...captured, chunks: { ...chunks, holes: [...chunks.holes, key] } });
  }

  /** Tables of which something is still to be read. */
  unread(): CapturedTable[] {
    return this.#tables.all.filter(({ chunks }) => chunks !== null && !isWhole(chunks));
  }

  #remember(state: RoundState | null): void {
    if (state === null) return;
    this.#end = parseLsn(state.end);
    this.#round = { state, visible: new VisibleTransactions(state.snapshot) };
  }

  #setRound(state: RoundState): void {
    const tables = this.#tables;
    this.#round = { ...this.#round!, state };
    tables.surroundings = { ...tables.surroundings, round: state };
  }

  /** The stream has come by everything that the last round's snapshot saw. */
  forget(): void {
    const tables = this.#tables;
    const { round: _, ...surroundings } = tables.surroundings;
    tables.surroundings = surroundings;
    this.#round = null;
    this.#ranges = null;
    for (const [binding, oid] of this.#judged) {
      const chunks = tables.withOid(oid)?.chunks ?? null;
      if (chunks !== null && !isWhole(chunks)) continue;
      binding.judge = null;
      this.#judged.delete(binding);
    }
  }

  /** A round reads behind this snapshot. @param end an LSN behind it */
  beginRound(snapshot: string, end: bigint): void {
    const tables = this.#tables;
    const state: RoundState = { snapshot, end: formatLsn(end), ranges: [] };
    this.#remember(state);
    tables.surroundings = { ...tables.surroundings, copies: tables.surroundings.copies + 1, round: state };
  }

  /** A batch of the round holds these keys, and the table is that far with it. */
  took(captured: CapturedTable, range: KeyRange, chunks: ChunkState): void {
    this.#tables.put({ ...captured, chunks });
    const { state } = this.#round!;
    this.#setRound({ ...state, ranges: joined(state.ranges, { oid: captured.oid, ...range }) });
  }
}

/** With a range that goes on where another one of the table ends made one with it. */
function joined(ranges: RoundState['ranges'], added: RoundState['ranges'][number]): RoundState['ranges'] {
  const last = ranges.at(-1);
  const goesOn = last !== undefined && last.oid === added.oid && last.upTo !== null && last.upTo === added.after;
  return goesOn ? [...ranges.slice(0, -1), { ...last, upTo: added.upTo }] : [...ranges, added];
}
