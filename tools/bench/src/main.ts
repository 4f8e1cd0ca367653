// `npm run bench -- SUITE`: measures Weir on real servers that it starts itself. Numbers, no verdicts: this is no test.
import { parseArgs } from 'node:util';
import { decode } from './decode.ts';
import { delivery, deliveryInto, tinyDelivery } from './delivery.ts';
import { growth } from './growth.ts';
import { growthDesigns } from './growth-designs.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { many } from './many.ts';
import { memory } from './memory.ts';
import { pipelines } from './pipelines.ts';
import { snapshot } from './snapshot.ts';
import { catchup, stream } from './stream.ts';
import { markdown, type SinkName, type Suite, type SuiteOptions } from './suite.ts';
import { wide } from './wide.ts';

const suites: Readonly<Record<string, Suite>> = {
  decode,
  stream,
  delivery,
  wide,
  many,
  pipelines,
  tiny: tinyDelivery,
  latency,
  idle,
  snapshot,
  memory,
  growth,
  'growth-designs': growthDesigns,
};
const sinks: readonly SinkName[] = ['duckdb', 'postgres'];

/** Suites that are a part of another one, and are not run beside it. */
const parts: Readonly<Record<string, Suite>> = {
  catchup,
  'pg-duckdb': deliveryInto('duckdb'),
  'pg-pg': deliveryInto('postgres'),
};
const known: Readonly<Record<string, Suite>> = { ...suites, ...parts };

const those = (are: (suite: Suite) => boolean): string =>
  Object.keys(suites)
    .filter((name) => are(suites[name]!))
    .join(', ');

const list = (of: Readonly<Record<string, Suite>>): string =>
  Object.entries(of)
    .map(([name, { about, rows, runs }]) => `  ${name.padEnd(14)} ${about}; --rows ${rows} --runs ${runs}`)
    .join('\n');

const USAGE = `npm run bench -- [SUITE …] [--rows N] [--runs N] [--sink duckdb|postgres] [--quick] [--profile DIR] [--json]

Runs suites, all of them when none is named; --rows and --runs are by default:

${list(suites)}

Parts of them, run by name only:

${list(parts)}

  --sink     for suites that deliver; both by default
  --tables   of many, 1,000 by default
  --large    bytes of the large row of memory, 64 MiB by default
  --quick    few rows, one round, and without ${those(({ quickRows }) => quickRows === null)}:
             a look before and after a change
  --profile  runs only Weir, of ${those(({ profile }) => profile !== undefined)}; writes profiles
             into DIR, and tells the functions with the most time of their own
  --json     the reports as JSON on standard output; what is being done goes to standard error in any case`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string' },
    runs: { type: 'string' },
    tables: { type: 'string', default: '1000' },
    large: { type: 'string', default: String(64 * 2 ** 20) },
    sink: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const { quick } = values;
const chosen = (values.sink ?? sinks) as SinkName[];
const folder = values.profile;
const isMeant = ({ quickRows, profile }: Suite): boolean =>
  (!quick || quickRows !== null) && (folder === undefined || profile !== undefined);
const all = Object.keys(suites).filter((name) => isMeant(suites[name]!));
const names = positionals.length > 0 ? positionals : all;
const isNumber = (text: string | undefined, least: number): boolean => text === undefined || Number(text) >= least;
const isRight =
  isNumber(values.rows, 500) &&
  isNumber(values.runs, 1) &&
  isNumber(values.tables, 1) &&
  isNumber(values.large, 1) &&
  chosen.every((sink) => sinks.includes(sink)) &&
  names.every((name) => known[name] !== undefined && (folder === undefined || known[name].profile !== undefined));
if (values.help || !isRight) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const reports: unknown[] = [];
for (const name of names) {
  const suite = known[name]!;
  const options: SuiteOptions = {
    rows: Number(values.rows ?? ((quick ? suite.quickRows : null) ?? suite.rows)),
    runs: Number(values.runs ?? (quick ? 1 : suite.runs)),
    sinks: chosen,
    tables: Number(values.tables),
    largeBytes: Number(values.large) / (quick ? 8 : 1),
    log: (line) => console.error(`${name}: ${line}`),
  };
  const report = folder === undefined ? await suite.run(options) : await suite.profile!(options, folder);
  reports.push({ suite: name, ...report });
  if (!values.json) console.log(`\n${markdown(report)}\n`);
}
if (values.json) console.log(JSON.stringify(reports, null, 2));
