import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BATCH_ROWS } from '@weir/sdk';
import { expect, test } from 'vitest';
import { encodeBegin, encodeInsert, encodeRelation, encodeUpdate } from './message-encoder.ts';
import { dropFirstByte } from './testing/recording-host.ts';
import { Session } from './testing/session.ts';

/** Few enough that the garbage collector does not run by itself. */
const ROWS = 50_000;
/** Less than the smallest object: what the batches themselves need, a few per thousand rows, is far below it. */
const BYTES_PER_ROW = 8;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Growth of the heap in bytes per row while `work` goes over ROWS rows, after it was compiled. */
function growth(work: (rows: number) => void): number {
  work(ROWS * 4);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  work(ROWS);
  return (process.memoryUsage().heapUsed - before) / ROWS;
}

test('rows of all kinds of cells are decoded without an allocation each', () => {
  const columns = ['a', 'b', 'c', 'd'].map((name, index) => ({ name, typeOid: 25, typeModifier: -1, isKey: index === 0 }));
  const session = new Session();
  const { writer, decoder } = session;
  session.host.treatments.set(1, { rewrites: [null, dropFirstByte, null, null] });
  session.feed(encodeRelation({ oid: 1, namespace: 's', name: 't', replicaIdentity: 'f', columns }));
  session.feed(encodeBegin({ commitLsn: 1n, time: 0, transactionId: 1 }));
  const old = { kind: 'O', cells: ['1', 'two', null, 'four'] } as const;
  const messages = [encodeInsert(1, ['1', 'two', null, 'four']), encodeUpdate(1, old, ['1', 'two', null, 'four'])];

  let overhead = (_bytes: Uint8Array): unknown => null;
  const decodeRows = (rows: number): void => {
    for (let row = 0; row < rows; row++) {
      const message = messages[row & 1]!;
      const start = writer.append(message);
      overhead(message);
      decoder.decode(writer, start, writer.used);
      if (writer.rows === BATCH_ROWS) session.close().release();
    }
  };
  expect(growth(decodeRows)).toBeLessThan(BYTES_PER_ROW);

  // The same with one small object per row, to show that the measure sees it.
  overhead = (bytes) => bytes.subarray(1);
  expect(growth(decodeRows)).toBeGreaterThan(BYTES_PER_ROW);
});
