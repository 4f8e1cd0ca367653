import { expect } from 'vitest';
import { packVersion, unchanged, type KeyRange, type RowValues } from '@weir/sdk';
import type { ContractCase } from './contract-case.ts';
import { failure } from './reading.ts';
import { nullable, ordersTable, projected, withColumn, withRenamed, withoutColumn } from './sink-contract-tables.ts';
import type { IdempotentDriver } from './sink-driver.ts';
import { Versions, transaction, type Fill } from './sink-versions.ts';

const orders = ordersTable();
const key = (id: number): RowValues => ({ id, note: unchanged, amount: unchanged, paid: unchanged });
const row = (id: number, note: string): RowValues => ({ id, note, amount: `${id}.00`, paid: true });

/** Transactions 1 to 8: whatever can happen to a key, also more than once within one. */
const history: readonly Fill[] = [
  (rows) => rows.insert(orders, row(1, 'one')).insert(orders, row(2, 'two')).insert(orders, row(3, 'three')),
  (rows) => rows.update(orders, { ...row(1, 'changed'), amount: unchanged }).update(orders, row(1, 'again')),
  (rows) => rows.delete(orders, key(2)).insert(orders, row(4, 'four')),
  (rows) => rows.update(orders, { id: 5, note: unchanged, amount: unchanged, paid: false }, key(3)),
  (rows) => rows.insert(orders, row(3, 'another')).insert(orders, row(2, 'back')).delete(orders, key(4)),
  (rows) => rows.insert(orders, row(6, 'short')).delete(orders, key(6)).update(orders, { ...row(1, 'last'), paid: unchanged }),
  (rows) => rows.update(orders, { id: 7, note: unchanged, amount: null, paid: null }, key(2)).insert(orders, row(2, 'third')),
  (rows) => rows.delete(orders, key(3)).insert(orders, row(4, 'new')),
];
const ending = ['1 last', '2 third', '4 new', '5 three', '7 back'];

async function play(versions: Versions, from: number, to: number = history.length): Promise<void> {
  for (let number = from; number <= to; number++) await versions.write(number, history[number - 1]!);
}

const convergence: readonly ContractCase<IdempotentDriver>[] = [
  {
    name: 'a replay from any transaction on ends in the same rows (invariant 4)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await play(versions, 1);
      expect(await versions.rows()).toEqual(ending);
      for (let from = history.length; from >= 1; from--) {
        await versions.restart();
        await play(versions, from);
        expect(await versions.rows(), `from ${from} on`).toEqual(ending);
      }
    },
  },
  {
    name: 'a session that dies anywhere, with half of a transaction sent, is made good by the replay (invariants 3 and 4)',
    run: async (driver) => {
      for (let died = 1; died <= history.length; died++) {
        await using versions = await Versions.start(driver);
        await play(versions, 1, died - 1);
        await versions.writeHalf(died, history[died - 1]!);
        await play(versions, Math.max(1, died - 1));
        expect(await versions.rows(), `died in ${died}`).toEqual(ending);
      }
    },
  },
  {
    name: 'several changes of a key in one transaction end in the last, in one batch or in several (invariant 2)',
    run: async (driver) => {
      const parts: readonly Fill[] = [
        (rows) => rows.insert(orders, row(1, 'first')).delete(orders, key(1)).insert(orders, row(1, 'second')),
        (rows) => rows.update(orders, row(1, 'third')),
        (rows) => rows.update(orders, row(1, 'fourth')),
      ];
      await using versions = await Versions.start(driver);
      for (let times = 0; times < 2; times++) {
        await versions.write(5, ...parts);
        expect(await versions.rows()).toEqual(['1 fourth']);
      }
    },
  },
  {
    name: 'a change of the shape that comes again changes nothing, nor do the rows of before it (invariants 4 and 9)',
    run: async (driver) => {
      const city = withColumn(orders, nullable('city', { kind: 'string' }));
      const town = withRenamed(city, 'city', 'town');
      const again = withColumn(withoutColumn(town, 'note'), nullable('note', { kind: 'string' }));
      const shapes: readonly (readonly Fill[])[] = [
        [(rows) => rows.insert(orders, row(1, 'one'))],
        [
          (rows) => rows.update(orders, row(1, 'before')),
          (rows) => rows.schemaChange({ table: city, change: 'add', column: 'city', value: 'Bonn' }).insert(city, { ...row(2, 'two'), city: 'Rome' }),
        ],
        [(rows) => rows.schemaChange({ table: town, change: 'rename', column: 'town', from: 'city' })],
        [
          (rows) => rows.schemaChange({ table: withoutColumn(town, 'note'), change: 'drop', column: 'note' }),
          (rows) => rows.schemaChange({ table: again, change: 'add', column: 'note', value: 'new' }).insert(again, { id: 3, town: 'Oslo' }),
        ],
      ];
      await using versions = await Versions.start(driver);
      for (const from of [1, 4, 3, 2]) {
        for (const [index, parts] of shapes.entries()) if (index + 1 >= from) await versions.write(index + 1, ...parts);
        expect(await versions.cells(projected(again, 'id', 'note', 'town')), `from ${from} on`).toEqual([
          ['1', 'new', 'Bonn'],
          ['2', 'new', 'Rome'],
          ['3', null, 'Oslo'],
        ]);
        await versions.restart();
      }
    },
  },
  {
    name: 'what a flush was answered for is there, also for who comes later (invariant 1)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await play(versions, 1, 4);
      await versions.flush();
      await versions.restart();
      expect(await versions.rows()).toEqual(['1 again', '4 four', '5 three']);
    },
  },
  {
    name: 'a server that refuses lets write or flush fail, and the replay brings everything (invariants 1 and 7)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await play(versions, 1, 3);
      await versions.flush();
      await versions.environment.refuseAll(true);
      const error = await failure(play(versions, 4, 5).then(() => versions.flush()));
      expect(error.policy.policy, 'it is tried again').toBe('retry');
      await versions.environment.refuseAll(false);
      await versions.restart();
      await play(versions, 4);
      expect(await versions.rows()).toEqual(ending);
    },
  },
];

const lateness: readonly ContractCase<IdempotentDriver>[] = [
  {
    name: 'an older version never takes the place of a newer one, whatever it does (invariant 5)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await versions.write(5, (rows) => rows.insert(orders, row(1, 'new')).insert(orders, row(2, 'new')).insert(orders, row(3, 'new')));
      await versions.write(4, (rows) => rows.update(orders, row(1, 'old')).delete(orders, key(2)).insert(orders, row(3, 'old')));
      await versions.write(3, (rows) => rows.truncate(orders));
      await versions.write(2, (rows) => rows.update(orders, row(4, 'moved'), key(1)));
      expect(await versions.rows()).toEqual(['1 new', '2 new', '3 new', '4 moved']);
    },
  },
  {
    name: 'a delete leaves a tombstone: an older row of its key stays away, also after a restart (invariant 5)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await versions.write(3, (rows) => rows.insert(orders, row(1, 'first')));
      await versions.write(5, (rows) => rows.delete(orders, key(1)).delete(orders, key(2)));
      await versions.write(4, (rows) => rows.insert(orders, row(1, 'late')));
      expect(await versions.rows()).toEqual([]);
      await versions.restart();
      await versions.write(4, (rows) => rows.insert(orders, row(1, 'late')).insert(orders, row(2, 'late')));
      expect(await versions.rows()).toEqual([]);
      await versions.write(6, (rows) => rows.insert(orders, row(1, 'newer')));
      expect(await versions.rows()).toEqual(['1 newer']);
    },
  },
  {
    name: 'a changed key leaves a tombstone at the old one, and a truncate at each (invariant 5)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await versions.write(2, (rows) => rows.insert(orders, row(1, 'one')).insert(orders, row(2, 'two')));
      await versions.write(5, (rows) => rows.update(orders, row(3, 'moved'), key(1)));
      await versions.write(4, (rows) => rows.update(orders, row(1, 'late')));
      expect(await versions.rows()).toEqual(['2 two', '3 moved']);
      await versions.write(7, (rows) => rows.truncate(orders).insert(orders, row(4, 'behind it')));
      await versions.write(6, (rows) => rows.update(orders, row(2, 'late')).update(orders, row(3, 'late')));
      expect(await versions.rows()).toEqual(['4 behind it']);
    },
  },
  {
    name: 'a zombie that wakes brings back nothing of before: it is refused, or finds newer versions (invariant 5)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await versions.write(2, (rows) => rows.insert(orders, row(1, 'one')).insert(orders, row(2, 'two')));
      await versions.flush();
      const zombie = await versions.takeOver();
      await versions.write(4, (rows) => rows.update(orders, row(1, 'of the successor')).delete(orders, key(2)));
      await versions.flush();
      const late = transaction(3, (rows) => rows.update(orders, row(1, 'late')).update(orders, row(2, 'late')));
      await zombie.write(late).then(() => zombie.commit({ position: '3', state: null })).catch(() => {});
      expect(await versions.rows()).toEqual(['1 of the successor']);
    },
  },
  {
    name: 'versions are compared to their last digit, and the epoch comes first (invariant 9)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      const newest = packVersion(8, 2n ** 51n + 1n);
      await versions.write(newest, (rows) => rows.insert(orders, row(1, 'newest')).insert(orders, row(2, 'newest')));
      await versions.write(newest - 1n, (rows) => rows.update(orders, row(1, 'by one older')));
      await versions.write(packVersion(7, 2n ** 52n - 1n), (rows) => rows.update(orders, row(2, 'of the epoch before')));
      expect(await versions.rows()).toEqual(['1 newest', '2 newest']);
      await versions.write(newest + 1n, (rows) => rows.update(orders, row(1, 'by one newer')));
      await versions.write(packVersion(9, 1n), (rows) => rows.update(orders, row(2, 'of the next epoch')));
      expect(await versions.rows()).toEqual(['1 by one newer', '2 of the next epoch']);
    },
  },
];

const upToFive: KeyRange = { after: null, upTo: ['5'] };

const copies: readonly ContractCase<IdempotentDriver>[] = [
  {
    name: 'a copied range takes rows away with tombstones, and leaves newer ones (invariants 5 and 7)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await versions.write(2, (rows) => rows.insert(orders, row(1, 'one')).insert(orders, row(2, 'two')).insert(orders, row(6, 'six')));
      await versions.write(8, (rows) => rows.insert(orders, row(3, 'newer')));
      await versions.copy(5, upToFive, (rows) => rows.read(orders, row(2, 'copied')));
      expect(await versions.rows()).toEqual(['2 copied', '3 newer', '6 six']);
      await versions.write(4, (rows) => rows.update(orders, row(1, 'late')).update(orders, row(2, 'late')));
      expect(await versions.rows()).toEqual(['2 copied', '3 newer', '6 six']);
    },
  },
  {
    name: 'a copied row takes the place of a row or a tombstone that is not newer, and comes again with the copy (invariant 4)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await versions.write(4, (rows) => rows.insert(orders, row(1, 'one')).insert(orders, row(2, 'two')).delete(orders, key(3)));
      await versions.write(5, (rows) => rows.delete(orders, key(1)).delete(orders, key(2)));
      const again = (note: string) => async (): Promise<void> =>
        await versions.copy(5, upToFive, (rows) => rows.read(orders, row(1, note)).read(orders, row(3, note)));
      await again('copied')();
      expect(await versions.rows()).toEqual(['1 copied', '3 copied']);
      await versions.restart();
      await again('read again')();
      expect(await versions.rows()).toEqual(['1 read again', '3 read again']);
      await versions.write(6, (rows) => rows.delete(orders, key(1)));
      expect(await versions.rows()).toEqual(['3 read again']);
    },
  },
  {
    name: 'a copied row that is older than a row or a tombstone changes nothing, as of any zombie (invariant 5)',
    run: async (driver) => {
      await using versions = await Versions.start(driver);
      await versions.write(2, (rows) => rows.insert(orders, row(1, 'one')));
      await versions.write(9, (rows) => rows.delete(orders, key(1)).insert(orders, row(2, 'newer')));
      await versions.copy(5, upToFive, (rows) => rows.read(orders, row(1, 'late')).read(orders, row(2, 'late')));
      expect(await versions.rows()).toEqual(['2 newer']);
    },
  },
  {
    name: 'a table without a key is refused, and the error names it (invariant 4)',
    run: async (driver) => {
      const keyless = { ...orders, name: 'keyless', key: [] };
      await using versions = await Versions.start(driver);
      const given = versions.write(2, (rows) => rows.schemaChange({ table: keyless, change: 'create' }).insert(keyless, row(1, 'one')));
      const error = await failure(given.then(() => versions.flush()));
      expect(error).toMatchObject({ code: 'WEIR_SINK_NO_KEY', table: 'public.keyless' });
    },
  },
];

/** Class C: rows have a key and a version, so a replay changes nothing, and who is late neither. */
export const classCCases: readonly ContractCase<IdempotentDriver>[] = [...convergence, ...lateness, ...copies];
