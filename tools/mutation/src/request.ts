import { parseArgs } from 'node:util';

/** The packages whose tests need no server, so that each change of the code can be tried against them. */
export const packages = ['engine', 'store', 'pgoutput'] as const;
export type MutatedPackage = (typeof packages)[number];

/** What is asked of one run of `npm run mutate`. */
export interface MutationRequest {
  /** One after the other. */
  readonly packages: readonly MutatedPackage[];
  /** Files below `src` of each package; all by default. */
  readonly files: readonly string[];
  /** True when tests on generated input take part. */
  readonly properties: boolean;
  /** Processes that try mutants at the same time. */
  readonly workers: number;
  /** True when nothing of an earlier run counts. */
  readonly anew: boolean;
}

export const usage = `npm run mutate -- [engine] [store] [pgoutput] [--files GLOB] [--properties] [--workers N] [--anew]

Changes the code of a package in one place at a time (a mutant: < becomes <=, a call or a condition is left out) and runs the
tests that reach the place. A mutant that no test notices has survived: a hole in the tests, or a change without a meaning.
docs/mutation.md says how to read the result. Installs Stryker at the first use, and takes minutes to hours.

  engine, store, pgoutput   what to change; all three by default, one after the other
  --files GLOB     only files below src that match, such as 'lane*.ts'; several times, or with commas
  --properties     also runs x.prop.test.ts; after a run without, only what survived is tried again
  --workers N      processes at the same time; 1 by default
  --anew           forgets earlier runs; otherwise only mutants whose code or tests changed are tried again

Writes test-results/mutation/PACKAGE.html and .json, and prints for each file what was killed and what survived.
Exit code 1 when Stryker could not do its work, 130 when interrupted; survivors are no error.`;

/** Reads the arguments; answers the usage, behind what is wrong if anything is, when there is nothing to run. */
export function parseRequest(args: readonly string[]): MutationRequest | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        files: { type: 'string', multiple: true, default: [] },
        properties: { type: 'boolean', default: false },
        workers: { type: 'string', default: '1' },
        anew: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return usage;
    const chosen = positionals.map((word) => packageNamed(word));
    const workers = Number(values.workers);
    if (!(Number.isSafeInteger(workers) && workers > 0)) throw new Error(`--workers takes a number from 1, not ${values.workers}`);
    return {
      packages: chosen.length === 0 ? packages : packages.filter((each) => chosen.includes(each)),
      files: values.files.flatMap((globs) => globs.split(',')).filter((glob) => glob !== ''),
      properties: values.properties,
      workers,
      anew: values.anew,
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${usage}`;
  }
}

/** The package of `engine`, `@weir/engine` or `packages/engine`. */
function packageNamed(word: string): MutatedPackage {
  const name = word.replace(/^(?:@weir|(?:\.\/)?packages)\//, '').replace(/\/$/, '');
  const found = packages.find((each) => each === name);
  if (found === undefined) throw new Error(`${word} is none of ${packages.join(', ')}`);
  return found;
}
