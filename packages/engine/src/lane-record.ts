import { WeirError, type Batch, type Position } from '@weir/sdk';
import { RowTally, imbalance, zeroCounters } from './row-counters.ts';
import { SchemaEvents } from './schema-events.ts';
import type { SharedBatch } from './shared-batch.ts';
import type { RepairTally, RowCounters, SinkStatus } from './status.ts';
import { TableStops } from './table-stops.ts';

const noRepair: RepairTally = { ranges: 0, different: 0, rows: 0 };

/** What is known about one sink; outlives the attempts of its pipeline. */
export class LaneRecord {
  readonly rows: RowCounters = zeroCounters();
  readonly schema: SchemaEvents = new SchemaEvents();
  readonly stops: TableStops = new TableStops();
  checkpoint: Position | null = null;
  readonly #total = new RowTally();
  readonly #group = new RowTally();
  readonly #repairs = new Map<string, RepairTally>();
  #committedAt: number | null = null;
  #commits = 0;
  #commitMs = 0;
  #queueBytes = 0;
  /** Commit time at the source of the newest row written and not yet committed, and of the newest committed; ms, 0 = none. */
  #writtenTime = 0;
  #lagMs = 0;

  get commits(): number {
    return this.#commits;
  }

  /** Counts what went in before the transforms and what came out behind them, so that a transform that loses rows shows. */
  received({ batch, origin, bytes }: SharedBatch): void {
    const { source, made, filtered } = origin;
    const { rows } = this;
    rows.in += source.rows + source.skipped;
    rows.made += made;
    rows.filtered += filtered;
    rows.skipped += source.skipped;
    rows.inFlight += batch.rows;
    this.#queueBytes += bytes;
  }

  /** A batch left the queue. */
  taken(bytes: number): void {
    this.#queueBytes -= bytes;
  }

  replayed(rows: number): void {
    this.rows.replayed += rows;
    this.rows.inFlight -= rows;
  }

  /** A range of keys was compared. @param rows how many the source has there */
  compared(table: string, rows: number, isSame: boolean): void {
    const { ranges, different, rows: written } = this.#repairs.get(table) ?? noRepair;
    const tally = { ranges: ranges + 1, different: different + (isSame ? 0 : 1), rows: written + (isSame ? 0 : rows) };
    this.#repairs.set(table, tally);
    if (!isSame) return;
    this.rows.same += rows;
    this.rows.inFlight -= rows;
  }

  /** Tables are about to be repaired. */
  startRepair(tables: readonly string[]): void {
    for (const table of tables) this.#repairs.delete(table);
  }

  /** Rows of tables that are stopped at this sink. */
  filtered(rows: number): void {
    this.rows.filtered += rows;
    this.rows.inFlight -= rows;
  }

  wrote(batch: Batch): void {
    this.#group.count(batch);
    const time = batch.commits.at(-1)?.time ?? 0;
    if (time > 0 && batch.chunk === null) this.#writtenTime = time / 1000;
  }

  committed(checkpoint: Position, now: number, tookMs: number): void {
    this.rows.delivered += this.#group.rows;
    this.rows.inFlight -= this.#group.rows;
    this.#group.moveInto(this.#total);
    this.checkpoint = checkpoint;
    this.#committedAt = now;
    this.#commits++;
    this.#commitMs = tookMs;
    if (this.#writtenTime > 0) this.#lagMs = Math.max(0, now - this.#writtenTime);
    this.#writtenTime = 0;
    this.stops.committed(checkpoint);
  }

  /** The attempt is over: what was not committed is read again by the next (invariant 7). */
  abandoned(): void {
    this.rows.abandoned += this.rows.inFlight;
    this.rows.inFlight = 0;
    this.#group.clear();
    this.#queueBytes = 0;
    this.#writtenTime = 0;
    this.schema.abandoned();
    this.stops.abandoned();
  }

  /** @throws WeirError WEIR_COUNTERS when a row that came in is nowhere (invariant 7) */
  checkBalance(sink: string): void {
    const missing = imbalance(this.rows);
    if (missing === 0) return;
    throw new WeirError('WEIR_COUNTERS', `${missing} rows of sink ${sink} are unaccounted for: ${JSON.stringify(this.rows)}`);
  }

  status(now: number, streaming: boolean): SinkStatus {
    return {
      checkpoint: this.checkpoint,
      committedAt: this.#committedAt,
      commits: this.#commits,
      rows: { ...this.rows },
      rowsByTable: this.#total.byTable,
      events: structuredClone(this.#total.events),
      lagMs: streaming ? this.#currentLag(now) : null,
      queueBytes: this.#queueBytes,
      commitMs: this.#commitMs,
      schemaChanges: [...this.schema.recent],
      schemaChangeTotals: structuredClone(this.schema.totals),
      stoppedTables: Array.from(this.stops.all, ([table, { code, message }]) => ({ table, code, message })),
      repairs: Object.fromEntries(this.#repairs),
    };
  }

  #currentLag(now: number): number {
    if (this.rows.inFlight > 0 && this.#writtenTime > 0) return Math.max(0, now - this.#writtenTime);
    const quiet = this.#committedAt === null || now - this.#committedAt > 2000;
    return quiet ? 0 : this.#lagMs;
  }
}
