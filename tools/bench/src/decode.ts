import { performance } from 'node:perf_hooks';
import { contest, speedRatio, type Attempt, type Contender } from './contest.ts';
import { logReader } from './decoding/log-reader.ts';
import { batchReader, walkCells, walkFrames } from './decoding/readers.ts';
import { sentLog } from './decoding/sent-log.ts';
import { narrow, ofOneKind, sentRows, typed, wide, type RowShape } from './decoding/sent-rows.ts';
import type { Suite } from './suite.ts';

/** The clock of processor time has steps of up to 10 ms: the same bytes are read again for at least so long. */
const LEAST_MS = 250;

/** How fast bytes of the replication protocols become batches: no server, one thread. */
export const decode: Suite = {
  about: 'synthetic pgoutput bytes, without a server: decoded into batches, beside walks over their frames and cells, and the same rows as a binary log of MySQL: of text, of types, of one kind of type',
  rows: 200_000,
  quickRows: 20_000,
  runs: 9,
  async run({ rows, runs, log }) {
    const lines: Record<string, string>[] = [];
    for (const shape of [narrow, wide, typed, ...ofOneKind]) {
      // As many bytes, about, of wide rows as of narrow ones.
      lines.push(...(await race(shape, Math.ceil((rows * narrow.columns.length) / shape.columns.length), runs, log)));
    }
    return { title: `decode: inserts, processor time of the thread, median of ${runs}`, lines };
  },
};

async function race(
  shape: RowShape,
  rows: number,
  runs: number,
  log: (line: string) => void,
): Promise<Record<string, string>[]> {
  log(`${rows.toLocaleString('en')} rows of ${shape.name}`);
  const bytes = sentRows(shape, rows);
  const read = batchReader(shape);
  const binlog = sentLog(shape, rows);
  const readLog = logReader(shape);
  if (walkFrames(bytes) !== rows || read(bytes) !== rows || readLog(binlog) !== rows) throw new Error(`not all ${rows} rows of ${shape.name} were read`);
  const contenders: Contender[] = [
    contender('decoded into batches', () => read(bytes)),
    contender('frames walked', () => walkFrames(bytes)),
    contender('frames and cells walked', () => walkCells(bytes)),
    contender('a binary log decoded into batches', () => readLog(binlog)),
  ];
  // Warm: the compiler has seen all of them.
  for (const each of contenders) await each.run();
  const standings = await contest({ contenders, rows, runs, serverPid: null, log: () => {} });
  return standings.map((standing) => ({
    rows: `${shape.name}, ${Math.round(bytes.length / rows)} bytes`,
    contender: standing.name,
    'M rows/s': (standing.rowsPerSecond / 1e6).toFixed(2),
    'ns/row': (standing.clientMicros * 1000).toFixed(1),
    'ns/cell': ((standing.clientMicros * 1000) / shape.columns.length).toFixed(2),
    'decoding ÷ this, time': speedRatio(standing, standings[0]!).toFixed(2),
  }));
}

/** Seconds are of the thread's processor time, so that a busy machine disturbs less, and of one reading of the bytes. */
function contender(name: string, work: () => number): Contender {
  const run = (): Attempt => {
    const [started, before] = [performance.now(), process.threadCpuUsage()];
    let passes = 0;
    while (performance.now() - started < LEAST_MS) {
      work();
      passes++;
    }
    const { user, system } = process.threadCpuUsage(before);
    const seconds = (user + system) / 1e6 / passes;
    return { seconds, cpuSeconds: seconds, peakBytes: 0 };
  };
  return { name, run: async () => await Promise.resolve(run()) };
}
