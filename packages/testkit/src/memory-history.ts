import { Op, unchanged, type SchemaChange, type Table } from '@weir/sdk';
import { commitTimeCell } from './commit-time.ts';
import { latin1, type SeenBatch, type SeenCell, type SeenRow } from './seen-batch.ts';
import type { Cells } from './table-content.ts';

/** How `_weir_op` says it. */
const opNames: ReadonlyMap<Op, string> = new Map<Op, string>(Object.entries(Op).map(([name, op]) => [op, name]));

/** A row of a history by the names of its columns; a column that is missing is NULL. */
type HistoryRow = ReadonlyMap<string, SeenCell>;

/** A table of `mode: append` in memory: every event a row, in the order in which they came. */
export class HistoryTable {
  #rows: HistoryRow[] = [];
  /** The place of the last streamed row. */
  last = '';

  clone(): HistoryTable {
    const copy = new HistoryTable();
    copy.#rows = [...this.#rows];
    copy.last = this.last;
    return copy;
  }

  /**
   * Writes that the table is empty from here on, because it is copied once more: at the position of the batch's first
   * commit, or else of its checkpoint, before every row there.
   */
  startOver(batch: SeenBatch): void {
    const position = batch.commits[0]?.position ?? batch.checkpoint?.position ?? '';
    this.#rows.push(this.#row(Op.truncate, { position, ordinal: 0, time: 0 }));
    this.last = '';
  }

  /** Old rows have NULL in an added column, and keep what is in a dropped one; a history has no key. */
  change(change: SchemaChange): void {
    if (change.change === 'add') this.#rows = this.#rows.map((row) => without(row, change.column));
    if (change.change === 'rename') this.#rows = this.#rows.map((row) => renamed(row, change.from, change.column));
  }

  add(row: SeenRow, table: Table): void {
    const image = row.after ?? row.before;
    const written = this.#row(row.op, row);
    table.columns.forEach(({ name }, column) => {
      const cell = image?.[column] ?? null;
      written.set(name, cell === unchanged ? null : cell);
    });
    if (row.before !== null) written.set('_weir_before', beforeCell(row.before, table));
    const left = table.columns.filter((_, column) => row.after?.[column] === unchanged).map(({ name }) => name);
    if (left.length > 0) written.set('_weir_unchanged', latin1(JSON.stringify(left)));
    this.#rows.push(written);
  }

  cells(table: Table): Cells[] {
    return this.#rows.map((row) => table.columns.map(({ name }) => row.get(name) ?? null));
  }

  #row(op: Op, place: { position: string; ordinal: number; time: number }): Map<string, SeenCell> {
    const time = op === Op.read || place.time === 0 ? null : commitTimeCell(place.time);
    return new Map<string, SeenCell>([
      ['_weir_op', opNames.get(op)!],
      ['_weir_commit_time', time],
      ['_weir_position', latin1(place.position)],
      ['_weir_ordinal', String(place.ordinal)],
    ]);
  }
}

/** The columns of the image that the source sent, as a JSON object of canonical cells; bytes as hex. */
function beforeCell(image: readonly SeenCell[], table: Table): string {
  const sent = table.columns.flatMap(({ name, type }, column): [string, string | null][] => {
    const cell = image[column]!;
    if (cell === unchanged) return [];
    if (cell === null) return [[name, null]];
    const bytes = Buffer.from(cell, 'latin1');
    return [[name, type.kind === 'bytes' ? `\\x${bytes.toString('hex')}` : bytes.toString()]];
  });
  return latin1(JSON.stringify(Object.fromEntries(sent)));
}

function without(row: HistoryRow, column: string): HistoryRow {
  const rest = new Map(row);
  rest.delete(column);
  return rest;
}

function renamed(row: HistoryRow, from: string, to: string): HistoryRow {
  const result = new Map(row);
  result.delete(from);
  result.set(to, row.get(from) ?? null);
  return result;
}
