// `npm run bench -- SUITE`: measures Weir on real servers that it starts itself. Numbers, no verdicts: nothing here is a test.
import { parseArgs } from 'node:util';
import { measureSnapshot, type SnapshotResult } from './snapshot.ts';
import { measureMemory, type MemoryResult, type SinkName } from './memory.ts';

const USAGE = `npm run bench -- SUITE [--rows N] [--runs N] [--large BYTES] [--sink duckdb|postgres] [--json]

  memory   peak memory of a runner that delivers a transaction of N rows (2,000,000 by default), a row of BYTES
           (64 MiB by default) and a backlog of 2.5 N rows; source and sink are compared row by row after each
  snapshot copies of tables of N rows by key, against one COPY of the table whose bytes are thrown away; --runs 3`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '2000000' },
    runs: { type: 'string', default: '3' },
    large: { type: 'string', default: String(64 * 2 ** 20) },
    sink: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const sinks: readonly SinkName[] = ['duckdb', 'postgres'];
const chosen = (values.sink ?? sinks) as SinkName[];
const [rows, largeBytes] = [Number(values.rows), Number(values.large)];
const wrong = !(rows >= 500) || !(largeBytes >= 1) || chosen.some((sink) => !sinks.includes(sink));
const [suite] = positionals;
if (values.help || wrong || positionals.length !== 1 || (suite !== 'memory' && suite !== 'snapshot')) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const log = (line: string): void => console.error(line);
if (suite === 'memory') {
  const results = await measureMemory({ rows, largeBytes, sinks: chosen, log });
  console.log(values.json ? JSON.stringify(results, null, 2) : table(results));
} else {
  const results = await measureSnapshot({ rows, runs: Number(values.runs), log });
  console.log(values.json ? JSON.stringify(results, null, 2) : snapshotTable(results));
}

function snapshotTable(lines: readonly SnapshotResult[]): string {
  const head = '| table | M rows | copy, M rows/s | floor, M rows/s | copy ÷ floor |\n|---|---|---|---|---|';
  const rate = (of: number, seconds: number): string => (of / seconds / 1e6).toFixed(2);
  const body = lines.map(
    ({ table: name, rows: count, copySeconds, floorSeconds, ratio }) =>
      `| ${name} | ${count / 1e6} | ${rate(count, copySeconds)} | ${rate(count, floorSeconds)} | ${ratio.toFixed(2)} |`,
  );
  return [head, ...body].join('\n');
}

function table(lines: readonly MemoryResult[]): string {
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)}`;
  const head = '| sink | what | seconds | median MiB | peak MiB | bound MiB |\n|---|---|---|---|---|---|';
  const body = lines.map(
    ({ sink, what, seconds, medianBytes, peakBytes, boundBytes }) =>
      `| ${sink} | ${what} | ${seconds.toFixed(1)} | ${mebibytes(medianBytes)} | ${mebibytes(peakBytes)} | ${mebibytes(boundBytes)} |`,
  );
  return [head, ...body].join('\n');
}
