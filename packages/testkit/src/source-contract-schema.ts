import { describe, expect, it } from 'vitest';
import { tableName, type Checkpoint } from '@weir/sdk';
import { MemoryTables } from './memory-tables.ts';
import { Reading } from './reading.ts';
import { scanTable } from './scan-table.ts';
import { latin1, type SeenBatch } from './seen-batch.ts';
import { contractOptions, contractShard } from './sink-driver.ts';
import type { Change, ShapeStatement, SourceDriver, SourceEnvironment } from './source-driver.ts';
import { expectRest, openCopied, recorded, short, streamEvents, type Statements } from './source-recording.ts';
import { changesOf } from './table-events.ts';

/** A change of the shape of `items`, what a source says of it, and a row of before and of after. */
interface ShapeCase {
  readonly name: string;
  readonly statements: readonly ShapeStatement[];
  readonly says: readonly string[];
  /** An item as it is inserted and read behind the change, beside its id. */
  readonly after: Readonly<Record<string, string | null>>;
}

const shapeCases: readonly ShapeCase[] = [
  {
    name: 'a column that is added',
    statements: [{ op: 'addColumn', column: 'extra', value: null }],
    says: ['add extra = null'],
    after: { label: 'a', large: null, extra: 'e' },
  },
  {
    name: 'a column that is added with a default',
    statements: [{ op: 'addColumn', column: 'Extra "1"', value: "it's \\ ä" }],
    says: [`add Extra "1" = ${latin1("it's \\ ä")}`],
    after: { label: 'a', large: null, 'Extra "1"': null },
  },
  {
    name: 'a column that is dropped',
    statements: [{ op: 'dropColumn', column: 'large' }],
    says: ['drop large'],
    after: { label: 'a' },
  },
  {
    name: 'a column that is renamed',
    statements: [{ op: 'renameColumn', column: 'title', from: 'label' }],
    says: ['rename title from label'],
    after: { title: 'a', large: null },
  },
  {
    name: 'a column that is renamed and another under its old name',
    statements: [
      { op: 'renameColumn', column: 'title', from: 'label' },
      { op: 'addColumn', column: 'label', value: 'x' },
    ],
    says: ['rename title from label', 'add label = x'],
    after: { title: 'a', large: null, label: 'b' },
  },
];

/** Changes of the shape of `items`, in order with its rows. */
export function describeSourceSchema(driver: SourceDriver): void {
  describe('schema changes', () => {
    for (const shape of shapeCases) {
      describe(shape.name, () => {
        describeShape(driver, shape);
      });
    }
    describeRemade(driver);
    describeSeveral(driver);
    describeNone(driver);
  });
}

function describeShape(driver: SourceDriver, shape: ShapeCase): void {
  const { statements, says, after } = shape;
  const inserted = (id: number): string => row('insert', id, after);

  it('comes between the rows before it and those after it, in the middle of a transaction', async () => {
    await using environment = await driver.start();
    await using reading = await openCopied(environment);
    await environment.apply([insert(1)]);
    await environment.apply([insert(2), ...statements, { op: 'insertRow', id: 3, values: after }, { op: 'delete', id: 1 }]);
    await environment.apply([{ op: 'insertRow', id: 4, values: after }]);
    await reading.untilHead();
    const events = streamEvents(reading.seen);
    expect(events.slice(0, -2)).toEqual([insertedBefore(1), insertedBefore(2), ...says, inserted(3)]);
    expect(events.at(-2)).toMatch(/^delete \{"id":"1"/);
    expect(events.at(-1)).toBe(inserted(4));
    expectWellCut(reading.seen);
    await expectFolds(environment, reading.seen);
  });

  it('comes once to whoever resumes, from any checkpoint around it (invariant 4)', { timeout: 60_000 }, async () => {
    await using environment = await driver.start();
    const transactions: Statements[] = [
      [insert(1)],
      statements,
      [{ op: 'insertRow', id: 2, values: after }],
      [{ op: 'insertRow', id: 3, values: after }],
    ];
    const whole = await recorded(environment, transactions);
    expect(whole.events).toEqual([insertedBefore(1), ...says, inserted(2), inserted(3)]);
    expect(whole.marks.length).toBeGreaterThanOrEqual(4);
    await expectRest(environment, whole);
  });

  it('comes to a source that was stopped meanwhile, with the rows of before', async () => {
    await using environment = await driver.start();
    let from: Checkpoint;
    {
      await using reading = await openCopied(environment);
      await environment.apply([insert(1)]);
      await reading.untilStreamed(1);
      from = reading.checkpoint;
    }
    await environment.apply([insert(2)]);
    await environment.apply(statements);
    await environment.apply([{ op: 'insertRow', id: 3, values: after }]);
    await using reading = await Reading.open(environment.source(), from);
    await reading.untilHead();
    expect(streamEvents(reading.seen)).toEqual([insertedBefore(2), ...says, inserted(3)]);
  });

  it('is in the copy of a source that starts later, and comes no more', async () => {
    await using environment = await driver.start();
    await environment.apply([insert(1)]);
    await environment.apply(statements);
    await using reading = await openCopied(environment);
    await environment.apply([{ op: 'insertRow', id: 2, values: after }]);
    await reading.untilHead();
    expect(changesOf(reading.seen).map(short)).toEqual(['create first']);
    expect(streamEvents(reading.seen)).toEqual([inserted(2)]);
    await expectFolds(environment, reading.seen);
  });
}

/** Rows of before and of after look the same, so a source may have to copy the table again. */
function describeRemade(driver: SourceDriver): void {
  const remade: Statements = [
    { op: 'dropColumn', column: 'large' },
    { op: 'addColumn', column: 'large', value: 'new' },
  ];
  const after = (id: number): ShapeStatement => ({ op: 'insertRow', id, values: { label: 'a', large: 'b' } });
  const inOne: Statements = [insert(2), ...remade, after(3), { op: 'delete', id: 1 }];
  const transactions: Statements[] = [[insert(1)], inOne, remade, [after(4)]];

  it('of a column that is dropped and made anew come in order, or by another copy', { timeout: 60_000 }, async () => {
    await using environment = await driver.start();
    const seen: SeenBatch[] = [];
    let copied: number;
    {
      await using reading = await openCopied(environment);
      copied = reading.seen.length;
      for (const statements of transactions) await environment.apply(statements);
      await reading.untilHead();
      seen.push(...reading.seen);
    }
    await expectFolds(environment, seen);
    for (const [i, { checkpoint }] of seen.entries()) {
      if (i < copied - 1 || checkpoint === null) continue;
      await using rest = await Reading.open(environment.source(), checkpoint);
      await rest.untilHead();
      await expectFolds(environment, [...seen.slice(0, i + 1), ...rest.seen]);
    }
  });
}

function describeSeveral(driver: SourceDriver): void {
  /** The default of a column that is gone is known to nobody, so none is added that is dropped later. */
  const transactions: Statements[] = [
    [insert(1)],
    [insert(2), { op: 'addColumn', column: 'extra', value: 'x' }, { op: 'insertRow', id: 3, values: { extra: null } }],
    [{ op: 'addColumn', column: 'more', value: null }],
    [{ op: 'updateRow', id: 1, values: { more: 'm' } }],
    [{ op: 'renameColumn', column: 'title', from: 'label' }],
    [{ op: 'insertRow', id: 4, values: { title: 'four', more: 'm' } }],
    [{ op: 'dropColumn', column: 'large' }, { op: 'updateRow', id: 2, values: { title: 'two' } }],
    [
      { op: 'delete', id: 1 },
      { op: 'addColumn', column: 'last', value: 'l' },
      { op: 'updateRow', id: 4, values: { last: null } },
    ],
  ];
  const expected = [
    insertedBefore(1),
    insertedBefore(2),
    'add extra = x',
    row('insert', 3, { label: null, large: null, extra: null }),
    'add more = null',
    row('update', 1, { label: 'before', large: null, extra: 'x', more: 'm' }),
    'rename title from label',
    row('insert', 4, { title: 'four', large: null, extra: 'x', more: 'm' }),
    'drop large',
    row('update', 2, { title: 'two', extra: 'x', more: null }),
    'delete 1',
    'add last = l',
    row('update', 4, { title: 'four', extra: 'x', more: 'm', last: null }),
  ];
  const comparable = (events: readonly string[]): string[] =>
    events.map((event) => (event.startsWith('delete') ? `delete ${/"id":"(\d+)"/.exec(event)![1]}` : event));

  it('of all kinds come each at its place, also to a source that reads them late', { timeout: 60_000 }, async () => {
    await using environment = await driver.start();
    await using reading = await openCopied(environment);
    for (const statements of transactions) await environment.apply(statements);
    await reading.untilHead();
    expect(comparable(streamEvents(reading.seen))).toEqual(expected);
    expectWellCut(reading.seen);
    await expectFolds(environment, reading.seen);
  });

  it('of all kinds come once to whoever resumes, from any checkpoint (invariant 4)', { timeout: 60_000 }, async () => {
    await using environment = await driver.start();
    const whole = await recorded(environment, transactions);
    expect(comparable(whole.events)).toEqual(expected);
    await expectRest(environment, whole);
  });

  it('come once to a source that is cut off at any of them (invariant 4)', { timeout: 60_000 }, async () => {
    await using environment = await driver.start();
    let from = await copiedCheckpoint(environment);
    for (const statements of transactions) await environment.apply(statements);
    const events: string[] = [];
    let ended = false;
    for (let pulls = 1; !ended; pulls++) {
      await using reading = await Reading.open(environment.source(), from);
      reading.session.finishAt(await reading.head());
      for (let told = 0; told < pulls && !ended;) {
        const batch = await reading.next();
        if (batch === null) ended = true;
        else if (streamEvents([batch]).length > 0) told++;
      }
      await environment.disconnect();
      const committed = reading.seen.findLastIndex(({ checkpoint }) => checkpoint !== null);
      events.push(...streamEvents(reading.seen.slice(0, committed + 1)));
      from = reading.seen[committed]?.checkpoint ?? from;
    }
    expect(comparable(events)).toEqual(expected);
  });
}

function describeNone(driver: SourceDriver): void {
  // Where a definition commits at once none can be rolled back.
  it.for(driver.definesAtOnce === true ? [] : [driver])('that are rolled back say nothing', async (transactional) => {
    await using environment = await transactional.start();
    await using reading = await openCopied(environment);
    const added = { op: 'addColumn', column: 'extra', value: 'x' } as const;
    await environment.apply([insert(1)]);
    await environment.apply([added, { op: 'insertRow', id: 2, values: { extra: 'e' } }], 'rollback');
    await environment.apply([insert(3)]);
    await reading.untilHead();
    expect(streamEvents(reading.seen)).toEqual([insertedBefore(1), insertedBefore(3)]);
  });

  it('without a row behind them hold nothing up, and are told by the next one at the latest', async () => {
    await using environment = await driver.start();
    const seen: SeenBatch[] = [];
    let from: Checkpoint;
    {
      await using reading = await openCopied(environment);
      await environment.apply([{ op: 'addColumn', column: 'extra', value: 'x' }]);
      await reading.untilHead();
      seen.push(...reading.seen);
      from = reading.checkpoint;
    }
    await environment.apply([{ op: 'insertRow', id: 1, values: { label: 'a', extra: 'e' } }]);
    await using reading = await Reading.open(environment.source(), from);
    await reading.untilHead();
    seen.push(...reading.seen);
    expect(streamEvents(seen)).toEqual(['add extra = x', row('insert', 1, { label: 'a', large: null, extra: 'e' })]);
  });
}

function insert(id: number): Change {
  return { op: 'insert', id, label: 'before' };
}

function insertedBefore(id: number): string {
  return row('insert', id, { label: 'before', large: null });
}

/** As `eventsOf` writes a row; cells are Latin-1 there. */
function row(op: string, id: number, cells: Readonly<Record<string, string | null>>): string {
  return `${op} ${JSON.stringify({ id: String(id), ...cells })}`;
}

async function copiedCheckpoint(environment: SourceEnvironment): Promise<Checkpoint> {
  await using reading = await openCopied(environment);
  return reading.checkpoint;
}

/** A batch that ends in a transaction and carries changes says in which, so that a replay is told from news. */
function expectWellCut(seen: readonly SeenBatch[]): void {
  const inTheMiddle = seen.filter(({ schemaChanges, checkpoint }) => schemaChanges.length > 0 && checkpoint === null);
  expect(inTheMiddle.filter(({ commits }) => commits.length === 0)).toEqual([]);
}

/** A strict mirror of everything that came holds what the database holds. */
async function expectFolds(environment: SourceEnvironment, seen: readonly SeenBatch[]): Promise<void> {
  const source = environment.source();
  const mirror = new MemoryTables();
  for (const batch of seen) mirror.apply(batch, { shard: contractShard, options: contractOptions });
  const items = (await source.discover(new AbortController().signal)).find((table) => tableName(table).endsWith('.items'))!;
  const scanned = (await scanTable(source, 'items')).map(({ after }) => after);
  const inOrder = (rows: readonly unknown[]): string[] => rows.map((cells) => JSON.stringify(cells)).toSorted();
  expect(inOrder(mirror.rows(items, contractOptions))).toEqual(inOrder(scanned));
}
