import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BATCH_ROWS } from '@weir/sdk';
import { expect, test } from 'vitest';
import { EventType } from './event-type.ts';
import { Session } from './testing/session.ts';
import { int, pair, varchar } from './testing/tables.ts';

const ROWS_PER_EVENT = 100;
/** Few enough that the garbage collector does not run by itself. */
const ROWS = 60_000;
const WARM = 300_000;
/** Less than the smallest object: what batches and events themselves need is a fraction of it. */
const BYTES_PER_ROW = 8;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Growth of the heap in bytes per row while `work` goes over ROWS rows, after it was compiled. */
function growth(work: (rows: number) => void): number {
  work(WARM);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  work(ROWS);
  return (process.memoryUsage().heapUsed - before) / ROWS;
}

test('rows of all kinds are decoded without an allocation each', () => {
  const session = new Session();
  const { writer, decoder, log, host } = session;
  host.treatments.set('pair', { cells: ['plain', 'plain', null] });
  const old = [int(1), varchar('one'), null];
  const now = [int(1), null, varchar('two')];
  const images = { tableId: pair.tableId, columns: 3 };
  const rows = <T>(row: T): T[] => Array.from({ length: ROWS_PER_EVENT }, () => row);
  const events = [
    log.rows({ type: EventType.writeRows, ...images, rows: rows({ after: now }) }),
    log.rows({ type: EventType.updateRows, ...images, rows: rows({ before: old, after: now }) }),
    log.rows({ type: EventType.updateRows, ...images, rows: rows({ before: old, after: [undefined, varchar('new'), undefined] }) }),
    log.rows({ type: EventType.deleteRows, ...images, rows: rows({ before: old }) }),
  ];
  const announced = log.tableMap(pair);
  session.decode(log.gtid({ gtid: null })).decode(log.query({ text: 'BEGIN' }));

  let overhead = (_bytes: Uint8Array): unknown => null;
  const decode = (event: Uint8Array): void => {
    const start = writer.append(event);
    decoder.decode(writer, start, writer.used);
  };
  const decodeRows = (count: number): void => {
    for (let row = 0, event = 0; row < count; row += ROWS_PER_EVENT, event++) {
      decode(announced);
      decode(events[event & 3]!);
      for (let each = 0; each < ROWS_PER_EVENT; each++) overhead(announced);
      if (writer.rows + ROWS_PER_EVENT > BATCH_ROWS) session.close().release();
    }
  };
  expect(growth(decodeRows)).toBeLessThan(BYTES_PER_ROW);

  // The same with one small object per row, to show that the measure sees it.
  overhead = (bytes) => bytes.subarray(1);
  expect(growth(decodeRows)).toBeGreaterThan(BYTES_PER_ROW);
});
