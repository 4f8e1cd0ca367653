import { postgresVersions } from './postgres-suites.ts';

/** The parts of `npm test`, in the order in which they run. */
export const parts = ['host', 'lint', 'types', 'unit', 'containers', 'postgres'] as const;
export type Part = (typeof parts)[number];

/** What is asked of one run of `npm test`. */
export interface VerifyRequest {
  readonly only: readonly Part[];
  /** The versions of the part `postgres`; null stands for every one before the newest. */
  readonly postgres: readonly number[] | null;
  /** Words before the first option: files, folders, or parts of the names of test files. */
  readonly filters: readonly string[];
  /** From the first option on that is not one of ours: for vitest, as it is. */
  readonly forVitest: readonly string[];
}

export const usage: string = [
  'npm test                            everything',
  'npm test -- packages/sdk            one package (or folder, or file)',
  'npm test -- --only unit             one part: lint, types, unit, containers or postgres',
  'npm test -- --postgres 15           tests of the connectors on PostgreSQL 15 (or 14,16: several, one after the other)',
  'npm test -- packages/x --postgres 15  tests of a package, folder or file on it',
  "npm test -- packages/sdk -t 'name'  options after the paths go to vitest",
].join('\n');

/** Reads the arguments; answers a message for a person when they are not understood. */
export function parseRequest(args: readonly string[]): VerifyRequest | string {
  let part: Part | undefined;
  let postgres: number[] | undefined;
  let forVitest: readonly string[] = [];
  const filters: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    const option = /^(--only|--postgres)(?:=(.*))?$/.exec(word);
    if (option !== null) {
      const value = option[2] ?? args[++i];
      if (option[1] === '--only') {
        part = parts.find((each) => each === value);
        if (part === undefined) return `--only takes one of ${parts.join(', ')}\n\n${usage}`;
      } else {
        postgres = (value ?? '').split(',').map(Number);
        if (!postgres.every((version) => postgresVersions.includes(version)))
          return `--postgres takes one or more of ${postgresVersions.join(',')}\n\n${usage}`;
      }
    } else if (word === '--help' || word === '-h') return usage;
    else if (word.startsWith('-')) {
      forVitest = args.slice(i);
      break;
    } else filters.push(word);
  }
  if (postgres !== undefined && part !== undefined && part !== 'postgres')
    return `--postgres goes with no other part than postgres\n\n${usage}`;
  const everything = filters.length === 0 && forVitest.length === 0;
  // Chosen files run where they stand, suites for containers among them.
  const chosen = parts.filter((each) => everything || (each !== 'postgres' && each !== 'containers'));
  const usual = postgres === undefined ? chosen : (['postgres'] as const);
  return { only: part === undefined ? usual : [part], postgres: postgres ?? null, filters, forVitest };
}
