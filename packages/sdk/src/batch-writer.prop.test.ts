import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchWriter } from './batch-writer.ts';
import { NO_IMAGE, NULL_CELL, Op, UNCHANGED_CELL, type Batch, type Commit } from './batch.ts';
import type { Table } from './table.ts';

const seed = Number(process.env['WEIR_SEED'] ?? Date.now() % 2 ** 31);
console.info(`batch-writer.prop.test.ts: WEIR_SEED=${seed}`);

const table: Table = { namespace: 'public', name: 't', version: 1, columns: [], key: [] };
const tables: readonly Table[] = [1, 2, 3].map((version) => ({ ...table, version }));

/** A cell: text in the slab or in the spill, NULL, unchanged, or the cell of the image before in the same place. */
type Cell = { kind: 'slab' | 'spill'; text: string } | { kind: 'null' | 'unchanged' | 'repeat' };
interface RowPlan {
  table: number;
  before: Cell[] | null;
  after: Cell[] | null;
  /** How many times the row is written. */
  copies: number;
  drop: boolean;
}
type Action =
  | { do: 'row'; row: RowPlan }
  | { do: 'commit' }
  | { do: 'skip'; rows: number }
  /** Bytes that no cell points to; many make a batch that takes its storage along. */
  | { do: 'pad'; size: number }
  | { do: 'close'; keep: string }
  | { do: 'release'; which: number };

const short = fc.string({ maxLength: 12, unit: 'grapheme-ascii' });
const long = fc.integer({ min: 1000, max: 60_000 }).map((length) => 'x'.repeat(length));
const cellText = fc.oneof({ weight: 8, arbitrary: short }, { weight: 1, arbitrary: long });
const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.record({ kind: fc.constantFrom('slab', 'spill'), text: cellText }),
  fc.record({ kind: fc.constantFrom('null', 'unchanged', 'repeat') }),
);
const image = fc.option(fc.array(cell, { maxLength: 5 }));
const row: fc.Arbitrary<RowPlan> = fc.record({
  table: fc.integer({ min: 0, max: 2 }),
  before: image,
  after: image,
  copies: fc.oneof({ weight: 30, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 2, max: 3000 }) }),
  drop: fc.boolean(),
});
const padding = fc.constantFrom(300_000, 300_000, 1_500_000, 5_000_000);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('row' as const), row }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('skip' as const), rows: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pad' as const), size: padding }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('close' as const), keep: short }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
);

/** What a batch must hold, as plain values. */
interface Model {
  rows: unknown[];
  commits: Commit[];
  skipped: number;
  tables: Table[];
}

function emptyModel(): Model {
  return { rows: [], commits: [], skipped: 0, tables: [] };
}

function contentOf(batch: Batch): Model {
  // In Latin-1, as the texts are ASCII: long batches compare quickly.
  const slab = Buffer.from(batch.data.buffer, batch.data.byteOffset, batch.data.byteLength).toString('latin1');
  const cellsOf = (first: number, end: number): unknown[] | null =>
    first === NO_IMAGE
      ? null
      : Array.from({ length: end - first }, (_, index) => {
          const length = batch.length[first + index]!;
          const start = batch.start[first + index]!;
          return length < 0 ? length : slab.slice(start, start + length);
        });
  const rows = Array.from({ length: batch.rows }, (_, index) => {
    const [before, after] = [batch.before[index]!, batch.after[index]!];
    // The image before is written first, then the one after, then those of the next row that has any.
    let next = batch.length.length;
    for (let later = index + 1; later < batch.rows && next === batch.length.length; later++) {
      const first = batch.before[later] === NO_IMAGE ? batch.after[later]! : batch.before[later]!;
      if (first !== NO_IMAGE) next = first;
    }
    const beforeCells = cellsOf(before, after === NO_IMAGE ? next : after);
    const place = [batch.commit[index], batch.ordinal[index]];
    return [batch.op[index], batch.tables[batch.table[index]!], ...place, beforeCells, cellsOf(after, next)];
  });
  return { rows, commits: [...batch.commits], skipped: batch.skipped, tables: [...batch.tables] };
}

/** How many batches used each buffer. */
const storages = new Map<ArrayBufferLike, number>();

/** Does to a writer and to the model what a plan says. */
class Subject {
  readonly writer: BatchWriter = new BatchWriter();
  model: Model = emptyModel();
  #kept = '';
  readonly live: { batch: Batch; model: Model }[] = [];

  addRow(plan: RowPlan): void {
    for (let copy = 0; copy < plan.copies; copy++) this.#addOne(plan);
  }

  #addOne({ table: version, before, after, drop }: RowPlan): void {
    const { writer, model } = this;
    const of = tables[version]!;
    const index = writer.tableIndex(of);
    if (!model.tables.includes(of)) model.tables.push(of);
    const place = [Math.max(0, model.commits.length - 1), model.rows.length + 1] as const;
    writer.beginRow(Op.update, index, ...place);
    if (before !== null) writer.beginBefore();
    const beforeCells = before?.map((each) => this.#addCell(each, [])) ?? null;
    if (after !== null) writer.beginAfter();
    const afterCells = after?.map((each, at) => this.#addCell(each, beforeCells ?? [], at)) ?? null;
    if (drop) writer.dropRow();
    else model.rows.push([Op.update, of, ...place, beforeCells, afterCells]);
  }

  #addCell(plan: Cell, before: readonly (string | number)[], at = 0): string | number {
    const { writer } = this;
    if (plan.kind === 'slab') {
      writer.cell(writer.append(Buffer.from(plan.text)), plan.text.length);
      return plan.text;
    }
    if (plan.kind === 'spill') {
      const from = writer.spill.length;
      writer.spill.ascii(plan.text);
      writer.spilledCell(from);
      return plan.text;
    }
    const repeated = plan.kind === 'repeat' ? before[at] : undefined;
    if (repeated !== undefined) {
      writer.repeatBefore(at);
      return repeated;
    }
    if (plan.kind === 'unchanged') writer.unchangedCell();
    else writer.nullCell();
    return plan.kind === 'unchanged' ? UNCHANGED_CELL : NULL_CELL;
  }

  addCommit(): void {
    const commit: Commit = { position: String(this.model.commits.length), version: 0n, time: 0, transactionId: '' };
    this.model.commits.push(commit);
    this.writer.addCommit(commit);
  }

  close(keep: string): void {
    // What the last close kept stands at the start of this slab; the writer must not have touched it.
    assert.equal(Buffer.from(this.writer.data.subarray(0, this.#kept.length)).toString(), this.#kept);
    const keepFrom = this.writer.append(Buffer.from(keep));
    const batch = this.writer.close(null, { keepFrom });
    this.live.push({ batch, model: this.model });
    storages.set(batch.data.buffer, (storages.get(batch.data.buffer) ?? 0) + 1);
    this.model = emptyModel();
    this.#kept = keep;
  }

  release(which: number): void {
    if (this.live.length === 0) return;
    const [{ batch, model }] = this.live.splice(which % this.live.length, 1) as [{ batch: Batch; model: Model }];
    assert.deepEqual(contentOf(batch), model);
    batch.release();
  }
}

test('a batch holds what was written until it is released, whatever is written and released meanwhile', () => {
  const property = fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), (actions) => {
    const subject = new Subject();
    for (const each of actions) {
      if (each.do === 'row') subject.addRow(each.row);
      else if (each.do === 'commit') subject.addCommit();
      else if (each.do === 'close') subject.close(each.keep);
      else if (each.do === 'release') subject.release(each.which);
      else if (each.do === 'pad') subject.writer.append(new Uint8Array(each.size).fill(0x7e));
      else {
        subject.writer.skip(each.rows);
        subject.model.skipped += each.rows;
      }
    }
    subject.close('');
    while (subject.live.length > 0) subject.release(0);
  });
  fc.assert(property, { seed, numRuns: 100 });
  // Storages must have come back from the pool, or the property says little.
  expect([...storages.values()].filter((batches) => batches > 1).length).toBeGreaterThan(3);
});
