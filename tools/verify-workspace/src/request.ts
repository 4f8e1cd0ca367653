/** The parts of `npm test`, in the order in which they run. */
export const parts = ['host', 'lint', 'types', 'unit'] as const;
export type Part = (typeof parts)[number];

/** What is asked of one run of `npm test`. */
export interface VerifyRequest {
  readonly only: readonly Part[];
  /** Words before the first option: files, folders, or parts of the names of test files. */
  readonly filters: readonly string[];
  /** From the first option on that is not one of ours: for vitest, as it is. */
  readonly forVitest: readonly string[];
}

export const usage: string = [
  'npm test                            everything',
  'npm test -- packages/sdk            one package (or folder, or file)',
  'npm test -- --only unit             one part: lint, types or unit',
  "npm test -- packages/sdk -t 'name'  options after the paths go to vitest",
].join('\n');

/** Reads the arguments; answers a message for a person when they are not understood. */
export function parseRequest(args: readonly string[]): VerifyRequest | string {
  let only: Part | undefined;
  const filters: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    const value = word === '--only' ? args[++i] : /^--only=(.*)$/.exec(word)?.[1];
    if (word === '--only' || value !== undefined) {
      only = parts.find((part) => part === value);
      if (only === undefined) return `--only takes one of ${parts.join(', ')}\n\n${usage}`;
    } else if (word === '--help' || word === '-h') return usage;
    else if (word.startsWith('-')) return { only: only === undefined ? parts : [only], filters, forVitest: args.slice(i) };
    else filters.push(word);
  }
  return { only: only === undefined ? parts : [only], filters, forVitest: [] };
}
