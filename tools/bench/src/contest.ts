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
  /** Postmaster of the server that it reads, where that is not the contest's. */
  readonly serverPid?: number;
  /** Makes ready what `run` needs. It is not measured. */
  prepare?(): Promise<void>;
  /** Brings all rows. @throws Error when it has not */
  run(): Promise<Attempt>;
  /** Looks at what came, and clears up. It is not measured. @throws Error when rows are missing */
  check?(): Promise<void>;
}

export interface Contest {
  /** The first is what the others are compared with. It runs twice in each round: the second time shows the noise. */
  readonly contenders: readonly Contender[];
  readonly rows: number;
  readonly runs: number;
  /** Postmaster of the server that they read; null without one. */
  readonly serverPid: number | null;
  /** Told what is being done. */
  readonly log: (line: string) => void;
}

/** An attempt with what the server took of the processor meanwhile, in seconds. */
export interface Round extends Attempt {
  readonly serverSeconds: number;
}

/** A contender's rounds, and the medians of them. */
export interface Standing {
  readonly name: string;
  readonly rounds: readonly Round[];
  readonly rowsPerSecond: number;
  /** Processor time per row, in µs. */
  readonly clientMicros: number;
  readonly serverMicros: number;
  readonly peakBytes: number;
}

/** Lets contenders run in turn, round after round, so that what else the machine does meets all of them. */
export async function contest({ contenders, rows, runs, serverPid, log }: Contest): Promise<Standing[]> {
  const [first] = contenders;
  const field = [...contenders, { ...first!, name: `${first!.name}, once more` }];
  const results = field.map((): Round[] => []);
  for (let round = 0; round < runs; round++) {
    for (const [index, contender] of field.entries()) {
      await contender.prepare?.();
      const played = await play(contender, contender.serverPid ?? serverPid);
      results[index]!.push(played);
      const took = `${played.seconds.toFixed(2)} s, client CPU ${played.cpuSeconds.toFixed(2)} s`;
      log(`round ${round + 1} of ${runs}: ${contender.name}: ${took}`);
      await contender.check?.();
    }
  }
  return field.map(({ name }, index) => standing(name, results[index]!, rows));
}

async function play(contender: Contender, serverPid: number | null): Promise<Round> {
  const serverCpu = (): number => (serverPid === null ? 0 : familyCpu(serverPid));
  const before = serverCpu();
  const attempt = await contender.run();
  return { ...attempt, serverSeconds: serverCpu() - before };
}

/** @param rows what each round brought */
export function standing(name: string, rounds: readonly Round[], rows: number): Standing {
  const of = (value: (round: Round) => number): number => median(rounds.map(value));
  return {
    name,
    rounds,
    rowsPerSecond: rows / of(({ seconds }) => seconds),
    clientMicros: (of(({ cpuSeconds }) => cpuSeconds) / rows) * 1e6,
    serverMicros: (of(({ serverSeconds }) => serverSeconds) / rows) * 1e6,
    peakBytes: Math.max(...rounds.map(({ peakBytes }) => peakBytes)),
  };
}

/** Median over the rounds of time of the other ÷ time of this one: 2 is twice as fast as the other. */
export function speedRatio(own: Standing, other: Standing): number {
  return median(own.rounds.map(({ seconds }, round) => other.rounds[round]!.seconds / seconds));
}

/** Median over the rounds of the client's processor time ÷ that of the other: 2 takes twice as much. */
export function cpuRatio(own: Standing, other: Standing): number {
  return median(own.rounds.map(({ cpuSeconds }, round) => cpuSeconds / other.rounds[round]!.cpuSeconds));
}

/**
 * The standings as lines of a table.
 * @param beside what all are compared with, a column each; by default the first
 */
export function standingLines(
  standings: readonly Standing[],
  beside: readonly Standing[] = standings.slice(0, 1),
): Record<string, string>[] {
  return standings.map((own) => ({
    contender: own.name,
    'k rows/s': (own.rowsPerSecond / 1000).toFixed(0),
    ...Object.fromEntries(beside.map((other) => [`÷ ${other.name}`, speedRatio(own, other).toFixed(2)])),
    // Of what is no process of its own there is nothing to say.
    'client CPU, µs/row': own.peakBytes === 0 ? '–' : own.clientMicros.toFixed(2),
    'server CPU, µs/row': own.serverMicros.toFixed(2),
    'peak MiB': own.peakBytes === 0 ? '–' : String(Math.round(own.peakBytes / 2 ** 20)),
  }));
}
