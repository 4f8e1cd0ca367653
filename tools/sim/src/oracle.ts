import { keyOrder, rangeHolds, type Checkpoint, type Key, type KeyRange, type Table } from '@weir/sdk';
import { positionLsn, readState, type PostgresState } from '@weir/source-postgres/parts';
import type { MemoryTarget } from '@weir/testkit/memory';
import type { Database } from './database.ts';
import { types } from './sim-tables.ts';
import type { SimTransaction } from './sim-transaction.ts';
import { Violation } from './violation.ts';

type TableState = PostgresState['tables'][number];

/** How strictly a sink is held to its checkpoint. */
export interface Strictness {
  /** Rows beyond the checkpoint may be there: their versions keep a replay from changing anything. */
  readonly mayBeAhead: boolean;
  /** Other sinks may have made a copy begin again, before which this one had rows of keys that are not read yet. */
  readonly mayKeepUnread: boolean;
}

/**
 * Holds what a sink has of every table against what the server had at the checkpoint that is durable in it: no row is lost,
 * doubled, half of a transaction's or of another time (invariants 2, 3 and 4).
 * @throws Violation
 */
export function checkContent(database: Database, target: MemoryTarget, checkpoint: Checkpoint, strictness: Strictness): void {
  const state = readState(checkpoint);
  const lsn = Number(positionLsn(checkpoint.position));
  const isSeenByRound = state.round === undefined ? () => false : seenBy(state.round.snapshot);
  for (const table of state.tables) {
    if (table.shape === null) continue;
    const columns = table.shape.columns.map(([attnum, name]) => ({ attnum, name }));
    const sinkTable = tableOf(table);
    // A column that is gone by now may have been read without its values, as a copy looks at what there is.
    const present = new Set(database.table(table.name).shape.columns.map(({ attnum }) => attnum));
    const isPresent = columns.map(({ attnum }) => present.has(attnum));
    const rows = new Map(target.rows(sinkTable).map((cells) => [fromLatin1(cells[0] as string), cells]));
    const order = keyOrder(sinkTable)!;
    for (const key of new Set([...database.keys(table.name), ...rows.keys()])) {
      const found = rows.get(key);
      const isRead = holdsKey(table, [key], order);
      if (!isRead && (strictness.mayKeepUnread || table.chunks?.inPlace === true)) continue;
      const inRound = isRead && state.round !== undefined && rangesHold(state.round.ranges, table.oid, [key], order);
      const isIn = (by: SimTransaction): boolean => by.isCommitted && (by.commitLsn < lsn || (inRound && isSeenByRound(by)));
      const versions = database.versions(table.name, key);
      const expected = isRead ? versions.findLastIndex(({ by }) => isIn(by)) : -1;
      const textOf = (index: number): string | null => {
        const row = versions[index]?.row ?? null;
        if (row === null) return null;
        const missing = database.table(table.name).missing;
        return columns.filter((_, at) => isPresent[at]).map(({ attnum }) => (attnum <= row.length ? row[attnum - 1] : missing.get(attnum)) ?? '-').join(' ');
      };
      const seen = found === undefined ? null : found.filter((_, at) => isPresent[at]).map((cell) => (cell === null ? '-' : fromLatin1(cell as string))).join(' ');
      if (seen === textOf(expected)) continue;
      if (strictness.mayBeAhead && versions.some((_, index) => index >= expected && textOf(index) === seen)) continue;
      const isOlder = versions.some((_, index) => index < expected && textOf(index) === seen) || (seen === null && expected >= 0);
      const where = `at ${checkpoint.position} key ${key} of ${table.name} is ${JSON.stringify(seen)}, not ${JSON.stringify(textOf(expected))}`;
      if (isOlder) throw new Violation(4, 'the checkpoint is ahead of the sink', where);
      throw new Violation(3, 'the sink shows what is not of its checkpoint', where);
    }
  }
}

/** Whether the copy has read a key, so that the sink has to have its row. */
function holdsKey({ chunks }: TableState, key: Key, order: (a: Key, b: Key) => number): boolean {
  if (chunks === undefined) return true;
  if (chunks.holes.some((hole) => order(hole, key) === 0)) return false;
  return chunks.done || (chunks.upTo !== null && order(key, chunks.upTo) <= 0);
}

function rangesHold(ranges: readonly (KeyRange & { oid: number })[], oid: number, key: Key, order: (a: Key, b: Key) => number): boolean {
  return ranges.some((range) => range.oid === oid && rangeHolds(range, key, order));
}

/** Read by hand: what is checked here is, among others, how the source reads it. */
function seenBy(snapshot: string): (transaction: SimTransaction) => boolean {
  const [, next, open = ''] = snapshot.split(':');
  const hidden = new Set(open.split(','));
  return ({ id }) => id < Number(next) && !hidden.has(String(id));
}

function tableOf({ namespace, name, shape }: TableState): Table {
  const columns = shape!.columns.map(([, column, typeOid]) => {
    const isText = types.get(typeOid)!.name === 'text';
    return { name: column, type: isText ? ({ kind: 'string' } as const) : ({ kind: 'int', bits: 32 } as const), nullable: true, sourceType: '' };
  });
  return { namespace, name, version: 1, columns, key: [0] };
}

function fromLatin1(cell: string): string {
  return Buffer.from(cell, 'latin1').toString();
}
