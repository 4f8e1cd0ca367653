import { expect } from 'vitest';
import { tableName, type Checkpoint } from '@weir/sdk';
import { Reading } from './reading.ts';
import type { SeenBatch, SeenRow } from './seen-batch.ts';
import type { Change, ShapeStatement, SourceEnvironment } from './source-driver.ts';
import { eventsOf } from './table-events.ts';

export type Statements = readonly (Change | ShapeStatement)[];

/** What a session gave of some transactions. */
export interface Recorded {
  readonly events: readonly string[];
  /** Each checkpoint, and how many events came before it. */
  readonly marks: readonly { readonly checkpoint: Checkpoint; readonly events: number }[];
}

/** Plays transactions with a pull up to the head after each. */
export async function recorded(environment: SourceEnvironment, transactions: readonly Statements[]): Promise<Recorded> {
  await using reading = await openCopied(environment);
  const copied = reading.seen.length;
  const first = reading.checkpoint;
  for (const statements of transactions) {
    await environment.apply(statements);
    const rows = statements.filter(({ op }) => !op.endsWith('Column')).length;
    if (rows > 0) await reading.untilStreamed(rows);
  }
  const events: string[] = [];
  const marks = [{ checkpoint: first, events: 0 }];
  for (const batch of reading.seen.slice(copied)) {
    events.push(...streamEvents([batch]));
    if (batch.checkpoint !== null) marks.push({ checkpoint: batch.checkpoint, events: events.length });
  }
  return { events, marks };
}

/** Ascending: a checkpoint that a session is opened with counts as durable. */
export async function expectRest(environment: SourceEnvironment, whole: Recorded): Promise<void> {
  for (const { checkpoint, events } of whole.marks) {
    await using reading = await Reading.open(environment.source(), checkpoint);
    await reading.untilHead();
    expect(streamEvents(reading.seen)).toEqual(whole.events.slice(events));
  }
}

export async function openCopied(environment: SourceEnvironment): Promise<Reading> {
  const reading = await Reading.open(environment.source(), null);
  await reading.untilCopied();
  return reading;
}

/** The tables that start empty in these batches, by `namespace.name`. */
export function created(batches: readonly SeenBatch[]): string[] {
  return batches.flatMap(({ schemaChanges }) =>
    schemaChanges.filter(({ change }) => change === 'create').map(({ table }) => tableName(table)),
  );
}

/** What a sink has that went on from a checkpoint: rows from before it, of tables that are not begun again, and those since. */
export function carriedOn(before: readonly SeenRow[], reading: Reading): SeenRow[] {
  const again = created(reading.seen);
  return [...before.filter(({ table }) => !again.includes(table)), ...reading.rows];
}

/** What a sink has committed of a session: the rows up to the last checkpoint. */
export function committed(reading: Reading): SeenRow[] {
  const last = reading.seen.findLastIndex(({ checkpoint }) => checkpoint !== null);
  return reading.seen.slice(0, last + 1).flatMap(({ rows }) => rows);
}

/** Rows and changes behind the copy. */
export function streamEvents(seen: readonly SeenBatch[]): string[] {
  const ofStream = seen.filter(({ chunk, schemaChanges }) => chunk === null && schemaChanges.every(isNotCreate));
  return eventsOf(ofStream).map(short);
}

/** Without the table's name. */
export function short(event: string): string {
  return event.replace(/^[^ ]*\.items /, '');
}

function isNotCreate({ change }: SeenBatch['schemaChanges'][number]): boolean {
  return change !== 'create';
}
