import { expect } from 'vitest';
import { comparePositions, type Checkpoint } from '@weir/sdk';
import type { SeenBatch, SeenRow } from './seen-batch.ts';

/**
 * Holds every batch of a session to the order that the engine and the sinks rely on: rows ascend strictly by commit and
 * ordinal, checkpoints lie between transactions and after the rows they cover (invariants 2 and 3).
 */
export class OrderGuard {
  #lastRow: SeenRow | null = null;
  #checkpoint: Checkpoint | null;
  #copiedVersion = -1n;
  /** The commit in whose middle the last batch ended. */
  #openCommit: string | null = null;

  /** @param from the checkpoint that the session was opened with */
  constructor(from: Checkpoint | null) {
    this.#checkpoint = from;
  }

  check(batch: SeenBatch): void {
    if (batch.chunk === null) for (const row of batch.rows) this.#streamed(row);
    else for (const row of batch.rows) this.#copied(row, batch.checkpoint);
    this.#notSplit(batch);
    if (batch.checkpoint !== null) this.#boundary(batch.checkpoint);
    if (batch.chunk === null)
      this.#openCommit = batch.checkpoint === null ? (batch.rows.at(-1)?.position ?? this.#openCommit) : null;
  }

  #streamed(row: SeenRow): void {
    const last = this.#lastRow;
    if (last !== null) {
      const order = comparePositions(last.position, row.position) || last.ordinal - row.ordinal;
      expect(order, 'rows ascend by commit and ordinal').toBeLessThan(0);
      if (last.position === row.position) expect(row.version, 'one commit has one version').toBe(last.version);
      else expect(row.version > last.version, 'versions ascend with commits').toBe(true);
    }
    expect(row.version > this.#copiedVersion, 'a change is newer than what was copied before it').toBe(true);
    expect(row.ordinal, 'ordinals count from 1').toBeGreaterThanOrEqual(1);
    // What an engine that resumes from a checkpoint drops as replayed must be exactly what came before it.
    if (this.#checkpoint !== null) {
      expect(
        comparePositions(row.position, this.#checkpoint.position),
        'a row behind a checkpoint sorts after it',
      ).toBeGreaterThan(0);
    }
    this.#lastRow = row;
  }

  #copied(row: SeenRow, checkpoint: Checkpoint | null): void {
    expect(checkpoint, 'a chunk has a checkpoint').not.toBeNull();
    expect(
      comparePositions(row.position, checkpoint!.position),
      'a chunk lies at or before its checkpoint',
    ).toBeLessThanOrEqual(0);
    if (row.version > this.#copiedVersion) this.#copiedVersion = row.version;
  }

  #notSplit(batch: SeenBatch): void {
    if (this.#openCommit === null || batch.rows.length === 0) return;
    expect(batch.rows[0]!.position, 'without a checkpoint the next batch goes on with the same transaction').toBe(
      this.#openCommit,
    );
  }

  #boundary(checkpoint: Checkpoint): void {
    if (this.#checkpoint !== null) {
      expect(comparePositions(checkpoint.position, this.#checkpoint.position), 'checkpoints ascend').toBeGreaterThan(0);
    }
    if (this.#lastRow !== null) {
      expect(
        comparePositions(this.#lastRow.position, checkpoint.position),
        'a checkpoint is not before its rows',
      ).toBeLessThanOrEqual(0);
    }
    this.#checkpoint = checkpoint;
  }
}
