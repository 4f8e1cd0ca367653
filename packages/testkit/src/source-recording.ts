import { expect } from 'vitest';
import type { Checkpoint } from '@weir/sdk';
import { Reading } from './reading.ts';
import type { SeenBatch } from './seen-batch.ts';
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
