import { BatchWriter } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { givenLog, type GivenLog } from './testing/given-log.ts';
import { LogModel } from './testing/log-model.ts';
import { readRows, type ReadRow } from './testing/read-rows.ts';
import { Session } from './testing/session.ts';

interface Outcome {
  readonly rows: ReadRow[];
  readonly skipped: number;
  readonly session: Session;
}

/** Reads a log, its batches closed where it says; what the host skips is decided by the table's name. */
async function read(given: GivenLog, model: LogModel): Promise<Outcome> {
  const session = new Session({ opened: false, writer: new BatchWriter() });
  const { host, writer } = session;
  const skipping = new Map<string, boolean>();
  for (const { map, treatment } of given.tables) {
    host.treatments.set(map.name, treatment);
    skipping.set(map.name, treatment.skip ?? false);
  }
  for (const gtid of model.delivered) host.delivered.add(gtid);
  const rows: ReadRow[] = [];
  let skipped = 0;
  let batches = 0;
  const close = (): void => {
    const batch = session.close();
    batches++;
    // A table that is bound anew is another version of it.
    rows.push(...readRows(batch).map((row) => ({ ...row, table: row.table.slice(0, row.table.indexOf('@')) })));
    skipped += batch.skipped;
    expect(new Set(batch.commits).size).toBe(batch.commits.length);
    batch.release();
  };
  for (const { event, toggle } of model.steps) {
    if (toggle !== null) {
      skipping.set(toggle, !skipping.get(toggle)!);
      host.treatments.set(toggle, { ...host.treatments.get(toggle), skip: skipping.get(toggle)! });
      host.bindings.get(toggle)!.skip = skipping.get(toggle)!;
    }
    await session.feed(event);
    if (writer.rows >= given.rowLimits[batches % given.rowLimits.length]!) close();
  }
  close();
  return { rows, skipped, session };
}

test('whatever the log, and wherever batches end, rows are those of the model (invariants 2, 7, 9)', async () => {
  await fc.assert(
    fc.asyncProperty(givenLog, async (given) => {
      const model = new LogModel(given);
      const { rows, skipped, session } = await read(given, model);
      expect(rows).toEqual(model.rows);
      expect(skipped).toBe(model.skipped);
      expect(session.host.ends.length).toBe(model.ends);
      expect(session.host.statements.length).toBe(model.statements);
      expect(session.decoder.inTransaction).toBe(false);
      for (const map of session.host.maps) expect(given.tables.map((table) => table.map)).toContainEqual(map);
    }),
    { seed: testSeed, numRuns: 300 },
  );
});
