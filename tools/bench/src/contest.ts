import { familyCpu } from './process-stat.ts';
import { median } from './median.ts';

/** What one run of a contender took. */
export interface Attempt {
  readonly seconds: number;
  /** Processor time of the contender's process, in seconds. */
  readonly cpuSeconds: number;
  /** The most memory that it had, in bytes; 0 of what is no process of its own. */
  readonly peakBytes: number;
}

export interface Contender {
  readonly name: string;
  /** Brings all rows. @throws Error when it has not */
  run(): Promise<Attempt>;
}

export interface Contest {
  /** The first is what the others are compared with. It runs twice in each round: the second time shows the noise. */
  readonly contenders: readonly Contender[];
  readonly rows: number;
  readonly runs: number;
  /** Postmaster of the server that all of them read. */
  readonly serverPid: number;
  /** Told what is being done. */
  readonly log: (line: string) => void;
}

/** Medians of a contender. */
export interface Standing {
  readonly name: string;
  readonly rowsPerSecond: number;
  /** Median over the rounds of time of the first ÷ time of this one: 2 is twice as fast. */
  readonly ratio: number;
  /** Processor time per row, in µs. */
  readonly clientMicros: number;
  readonly serverMicros: number;
  readonly peakBytes: number;
}

/** Lets contenders run in turn, round after round, so that what else the machine does meets all of them. */
export async function contest({ contenders, rows, runs, serverPid, log }: Contest): Promise<Standing[]> {
  const [first] = contenders;
  const field = [first!, ...contenders.slice(1), { ...first!, name: `${first!.name}, once more`, run: async () => await first!.run() }];
  const results = field.map(() => [] as (Attempt & { readonly serverSeconds: number })[]);
  for (let round = 0; round < runs; round++) {
    for (const [index, contender] of field.entries()) {
      const before = familyCpu(serverPid);
      const attempt = await contender.run();
      results[index]!.push({ ...attempt, serverSeconds: familyCpu(serverPid) - before });
      log(`round ${round + 1} of ${runs}: ${contender.name}: ${attempt.seconds.toFixed(2)} s`);
    }
  }
  return field.map(({ name }, index) => {
    const own = results[index]!;
    const of = (value: (attempt: (typeof own)[number]) => number): number => median(own.map(value));
    return {
      name,
      rowsPerSecond: rows / of(({ seconds }) => seconds),
      ratio: median(own.map(({ seconds }, round) => results[0]![round]!.seconds / seconds)),
      clientMicros: (of(({ cpuSeconds }) => cpuSeconds) / rows) * 1e6,
      serverMicros: (of(({ serverSeconds }) => serverSeconds) / rows) * 1e6,
      peakBytes: Math.max(...own.map(({ peakBytes }) => peakBytes)),
    };
  });
}

/** The standings as lines of a table. */
export function standingLines(standings: readonly Standing[]): Record<string, string>[] {
  const [first] = standings;
  return standings.map(({ name, rowsPerSecond, ratio, clientMicros, serverMicros, peakBytes }) => ({
    contender: name,
    'k rows/s': (rowsPerSecond / 1000).toFixed(0),
    [`÷ ${first!.name}`]: ratio.toFixed(2),
    // Of what is no process of its own there is nothing to say.
    'client CPU, µs/row': peakBytes === 0 ? '–' : clientMicros.toFixed(2),
    'server CPU, µs/row': serverMicros.toFixed(2),
    'peak MiB': peakBytes === 0 ? '–' : String(Math.round(peakBytes / 2 ** 20)),
  }));
}
