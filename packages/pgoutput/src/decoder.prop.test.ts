import fc from 'fast-check';
import { expect, test } from 'vitest';
import { database, feeding, transaction } from './testing/given-stream.ts';
import { seed } from './testing/seed.ts';
import { StreamModel } from './testing/stream-model.ts';
import { StreamReader } from './testing/stream-reader.ts';

test('whatever the transactions, streamed or not, and wherever batches end, rows are those of the model (invariants 2, 7, 9)', () => {
  fc.assert(
    fc.property(database, fc.array(transaction, { maxLength: 6 }), feeding, (tables, transactions, how) => {
      const model = new StreamModel(tables, transactions);
      const reader = new StreamReader(tables, model, how).read();
      expect(reader.rows).toEqual(model.rows);
      expect(reader.skipped).toBe(model.skipped);
      expect(reader.host.commits.length).toBe(model.commits);
      expect(reader.repeatedCommits).toBe(0);
    }),
    { seed, numRuns: 500 },
  );
});
