import { describe, expect, it } from 'vitest';
import {
  unchanged,
  type Batch,
  type BatchBuilder,
  type RowValues,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';
import { seededRandom, testSeed } from '@weir/testkit';
import { ask, batch, checkpointAt, column, openSession, ordersTable, withOrders } from '@weir/testkit/orders';
import { behindItsBack } from './testing/behind-its-back.ts';
import { asKilled } from './testing/as-killed.ts';
import { isTable, isView, kinds, options, orders, ten, untilRest } from './testing/delta-orders.ts';
import { TemporaryDatabase } from './testing/temporary-database.ts';

const waiting = 'SELECT count(*), count(*) FILTER (WHERE _weir_gone) FROM public._weir_delta_orders';

/** A source of one table: what it holds, and events that are true of it. */
class Source {
  readonly rows = new Map<number, RowValues>();
  readonly #random: () => number;
  table: Table = ordersTable();
  #edition = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** Adds some events. */
  change(builder: BatchBuilder): void {
    const { table } = this;
    const id = this.below(40);
    const old = this.rows.get(id);
    const dice = this.below(100);
    if (old === undefined) {
      const row = this.#row(id);
      this.rows.set(id, row);
      builder.insert(table, row);
    } else if (dice < 30) {
      this.rows.delete(id);
      builder.delete(table, { id });
    } else if (dice < 60) {
      const row = this.#row(id);
      this.rows.set(id, row);
      builder.update(table, row);
    } else if (dice < 75) {
      const amount = this.#row(id)['amount']!;
      this.rows.set(id, { ...old, amount });
      builder.update(table, { ...old, note: unchanged, amount });
    } else if (dice < 85) {
      this.#move(builder, id, old);
    } else if (dice < 97) {
      this.#swap(builder, id, old);
    } else {
      this.rows.clear();
      builder.truncate(table);
    }
  }

  addColumn(builder: BatchBuilder): void {
    const name = `more_${this.table.columns.length}`;
    const columns = [...this.table.columns, column(name, { kind: 'string' })];
    this.table = { ...this.table, columns, version: this.table.version + 1 };
    builder.schemaChange({ table: this.table, change: 'add', column: name, value: 'x' });
    for (const [id, row] of this.rows) this.rows.set(id, { ...row, [name]: 'x' });
  }

  /** Copies a range of keys once more, or one key. */
  copy(builder: BatchBuilder): void {
    const after = this.below(30);
    const upTo = after + this.below(10);
    const isIn = (id: number): boolean => (after === upTo ? id === upTo : id > after && id <= upTo);
    for (const [id, row] of this.rows) if (isIn(id)) builder.read(this.table, row);
    builder.chunk(this.table, { range: { after: [String(after)], upTo: [String(upTo)] }, last: false });
  }

  #move(builder: BatchBuilder, id: number, old: RowValues): void {
    const to = Array.from({ length: 40 }, (_, key) => key).find((key) => !this.rows.has(key));
    if (to === undefined) return;
    const row: RowValues = { ...old, id: to, amount: this.#row(to)['amount']! };
    this.rows.delete(id);
    this.rows.set(to, row);
    const isWhole = this.below(2) === 0;
    builder.update(this.table, isWhole ? row : { ...row, note: unchanged }, isWhole ? old : { ...old, note: unchanged });
  }

  /** Gives two rows each other's key, as one transaction may where the key's constraint is deferred. */
  #swap(builder: BatchBuilder, id: number, old: RowValues): void {
    const other = [...this.rows.keys()].find((key) => key !== id);
    if (other === undefined) return;
    const others = this.rows.get(other)!;
    this.rows.set(id, { ...others, id });
    this.rows.set(other, { ...old, id: other });
    builder.update(this.table, { ...old, id: other }, old).update(this.table, { ...others, id }, others);
  }

  #row(id: number): Record<string, string | number> {
    const edition = ++this.#edition;
    const more = this.table.columns.slice(3).map(({ name }) => [name, `${name} ${edition}`] as const);
    return { id, note: `note ${edition}`, amount: `${edition}.00`, ...Object.fromEntries(more) };
  }
}

function expected({ rows, table }: Source): (string | null)[][] {
  const sorted = [...rows.entries()].sort(([a], [b]) => a - b);
  return sorted.map(([, row]) => table.columns.map(({ name }) => String(row[name] as string | number)));
}

/** The batches of a commit, now and then with a change of the table or a range that is copied again among others. */
function randomCommit(source: Source, number: number): Batch[] {
  const kind = source.below(16);
  if (kind === 0) return [];
  const changes = (rows: BatchBuilder): void => {
    for (let count = 1 + source.below(20); count > 0; count--) source.change(rows);
  };
  const before = source.below(2) === 0 ? [] : [batch(number, changes)];
  if (kind === 1) before.push(batch(number, (rows) => source.addColumn(rows)));
  if (kind === 2) before.push(batch(number, (rows) => source.copy(rows)));
  return source.below(4) === 0 ? before : [...before, batch(number, changes)];
}

describe('a table whose changes wait in a delta', { timeout: 240_000 }, () => {
  it.each([0.0001, 0.3, 1000])(
    `holds what the source holds after any commit, also in a process that is killed behind it, merged at a share of %s ` +
      `(WEIR_SEED=${testSeed})`,
    async (share) => {
      const source = new Source(seededRandom(testSeed));
      await using database = await TemporaryDatabase.make();
      const atRest = share < 1;
      // Without the option now and then: the table is one again, and becomes base and delta once more.
      const reopen = (): Promise<TransactionalSession> =>
        openSession(source.below(4) === 0 ? database.sink(options) : database.deltaSink({ share, atRest }, options));
      const seen = new Set<string>();
      let session = await reopen();
      try {
        await session.write(batch(1, (rows) => rows.schemaChange({ table: source.table, change: 'create' })));
        await session.commit(checkpointAt(1));
        for (let number = 2; number < 60; number++) {
          if (source.below(10) === 0) {
            await session[Symbol.asyncDispose]();
            session = await reopen();
            await session.recover();
          }
          for (const rows of randomCommit(source, number)) await session.write(rows);
          await session.commit(checkpointAt(number));
          const names = source.table.columns.map(({ name }) => name).join(', ');
          const rows = `SELECT ${names} FROM public.orders ORDER BY id`;
          const where = `commit ${number}`;
          expect(await ask(database.sink(options), rows), where).toEqual(expected(source));
          await using killed = await asKilled(database);
          expect(await behindItsBack(killed.path, rows), `${where}, killed`).toEqual(expected(source));
          seen.add(JSON.stringify(await ask(database.sink(options), kinds)));
        }
      } finally {
        await session[Symbol.asyncDispose]();
      }
      expect(seen).toContain(JSON.stringify(isView));
    },
  );

  it('is a view; what was changed waits behind it, until the stream rests', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.deltaSink(untilRest);
    await using session = await withOrders(sink, orders, ten);
    expect(await ask(sink, kinds)).toEqual(isTable);
    await session.write(batch(2, (rows) => rows.update(orders, { id: 1, note: 'new', amount: '2.00' }).delete(orders, { id: 2 })));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, kinds)).toEqual(isView);
    expect(await ask(sink, waiting)).toEqual([['2', '1']]);
    await session.commit(checkpointAt(3));
    expect(await ask(sink, waiting)).toEqual([['0', '0']]);
    expect(await ask(sink, "SELECT count(*), count(*) FILTER (WHERE note = 'new') FROM public._weir_base_orders")).toEqual([
      ['9', '1'],
    ]);
  });

  it('is merged by the commit that makes the delta too large a part of the base', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.deltaSink({ share: 0.25, atRest: false });
    await using session = await withOrders(sink, orders, ten);
    const counts: unknown[] = [];
    for (const id of [1, 2, 3]) {
      await session.write(batch(id + 1, (rows) => rows.update(orders, { id, note: 'new', amount: '2.00' })));
      await session.commit(checkpointAt(id + 1));
      counts.push((await ask(sink, waiting))[0]![0]);
    }
    await session.commit(checkpointAt(5));
    expect(counts).toEqual(['1', '2', '0']);
  });

  it('is a table as long as it has fewer rows than pay', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.sink({}, { changes: 'delta' });
    await using session = await withOrders(sink, orders, ten);
    await session.write(batch(2, (rows) => rows.delete(orders, { id: 2 })));
    await session.commit(checkpointAt(2));
    expect(await ask(sink, kinds)).toEqual(isTable);
  });

  it('that somebody changed is found at the merge, and nothing of its commit is in the file', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.deltaSink(untilRest);
    {
      await using session = await withOrders(sink, orders, ten);
      await session.write(batch(2, (rows) => rows.update(orders, { id: 1, note: 'new', amount: '2.00' })));
      await session.commit(checkpointAt(2));
      await behindItsBack(database.path, 'DELETE FROM public._weir_base_orders WHERE id = 1');
      await expect(session.commit(checkpointAt(3))).rejects.toMatchObject({ code: 'WEIR_DUCKDB_DIVERGED' });
    }
    expect(await ask(sink, waiting)).toEqual([['1', '0']]);
    expect(await ask(sink, 'SELECT position FROM weir.checkpoint')).toEqual([['2']]);
  });

  it('takes a range of keys that is copied again in place of what was there, and of what waited', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.deltaSink(untilRest);
    await using session = await withOrders(sink, orders, ten);
    const update = (id: number): RowValues => ({ id, note: 'new', amount: '2.00' });
    await session.write(batch(2, (rows) => rows.update(orders, update(1)).delete(orders, { id: 2 }).update(orders, update(3))));
    await session.commit(checkpointAt(2));
    await session.write(
      batch(3, (rows) => {
        for (const id of [2, 3]) rows.read(orders, { id, note: 'copied', amount: '3.00' });
        rows.chunk(orders, { range: { after: ['0'], upTo: ['4'] }, last: false });
      }),
    );
    await session.commit(checkpointAt(3));
    const seen = [['0', 'old'], ['2', 'copied'], ['3', 'copied'], ['5', 'old']];
    expect(await ask(sink, 'SELECT id, note FROM public.orders WHERE id < 6 ORDER BY id')).toEqual(seen);
    await session.commit(checkpointAt(4));
    expect(await ask(sink, 'SELECT id, note FROM public.orders WHERE id < 6 ORDER BY id')).toEqual(seen);
  });

  it('is read as a whole: by a scan, by a plan, and a range by its session', async () => {
    await using database = await TemporaryDatabase.make();
    const sink = database.deltaSink(untilRest);
    await using session = await withOrders(sink, orders, ten);
    await session.write(batch(2, (rows) => rows.update(orders, { id: 1, note: 'new', amount: '2.00' }).delete(orders, { id: 2 })));
    await session.commit(checkpointAt(2));
    const { signal } = new AbortController();
    expect(await notes(sink.scan!(orders, signal))).toEqual(['new', ...Array.from({ length: 8 }, () => 'old')].sort());
    await session.write(batch(3, (rows) => rows.delete(orders, { id: 3 })));
    expect(await notes(session.readRange!(orders, { after: ['0'], upTo: ['4'] }))).toEqual(['new', 'old']);
    expect(await sink.plan!([orders], signal)).toMatchObject([{ action: 'use', findings: [] }]);
    await session.commit(checkpointAt(3));
  });
});

async function notes(batches: AsyncIterable<Batch>): Promise<string[]> {
  const found: string[] = [];
  for await (const rows of batches) {
    const at = rows.tables[0]!.columns.findIndex(({ name }) => name === 'note');
    for (let row = 0; row < rows.rows; row++) {
      const cell = rows.after[row]! + at;
      found.push(Buffer.from(rows.data).toString('utf8', rows.start[cell], rows.start[cell]! + rows.length[cell]!));
    }
  }
  return found.sort();
}
