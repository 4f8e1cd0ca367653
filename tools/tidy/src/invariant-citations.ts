import { matches, type Finding } from './finding.ts';
import { isCode, isTestCode } from './syntax.ts';
import type { Files } from './workspace-files.ts';

export const INVARIANTS_PAGE = 'docs/invariants.md';
/** This file and its test, whose citations are examples. */
const OWN_FILES = 'tools/tidy/src/invariant-citations.';

/** Numbers of invariants that no code, or no test, cites yet. They may only become fewer. */
export interface CitationRatchet {
  readonly notInCode: readonly number[];
  readonly notInTests: readonly number[];
}

const citation = /\binvariants?\s+(\d+(?:(?:\s*(?:,|and|or|to|–|-|\.\.)\s*)+\d+)*)/gi;

/** The numbers of the list in docs/invariants.md: lines such as `3. **Name.** …`. */
export function listedInvariants(page: string): number[] {
  return [...page.matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => Number(number));
}

/** The numbers in `invariant 4`, `invariants 1 and 5`, `invariants 2 to 4`. */
function citedNumbers(text: string): number[] {
  const numbers: number[] = [];
  for (const [, from, to] of text.matchAll(/(\d+)(?:\s*(?:to|–|-|\.\.)\s*(\d+))?/g)) {
    for (let n = Number(from); n <= Number(to ?? from); n++) numbers.push(n);
  }
  return numbers;
}

/** Every citation leads to an invariant, and every invariant is cited where it is enforced and where it is proven. */
export function checkInvariantCitations(files: Files, ratchet: CitationRatchet): Finding[] {
  const page = files.get(INVARIANTS_PAGE);
  if (page === undefined) return [{ file: INVARIANTS_PAGE, message: 'is missing' }];
  const listed = listedInvariants(page);
  const findings: Finding[] = [];
  const inCode = new Set<number>();
  const inTests = new Set<number>();
  for (const [file, text] of files) {
    if (file === INVARIANTS_PAGE || file.startsWith(OWN_FILES) || !(isCode(file) || file.endsWith('.md'))) continue;
    const cited = !isCode(file) ? new Set<number>() : proves(file) ? inTests : inCode;
    findings.push(
      ...matches(file, text, citation, ([words, numbers]) => {
        for (const number of citedNumbers(numbers!)) cited.add(number);
        const unknown = citedNumbers(numbers!).filter((number) => !listed.includes(number));
        if (unknown.length === 0) return null;
        return `cites “${words}”, but ${INVARIANTS_PAGE} has no number ${unknown.join(', ')}`;
      }),
    );
  }
  findings.push(...missing(listed, inCode, ratchet.notInCode, 'no code says that it enforces it'));
  findings.push(...missing(listed, inTests, ratchet.notInTests, 'no test says that it proves it'));
  return findings;
}

/** Who cites an invariant: files with how often. */
export interface Citations {
  readonly code: ReadonlyMap<string, number>;
  readonly tests: ReadonlyMap<string, number>;
}

/** By the number of the invariant. */
export function citationsOf(files: Files): Map<number, Citations> {
  const found = new Map<number, { code: Map<string, number>; tests: Map<string, number> }>();
  for (const [file, text] of files) {
    // The page that is made from the citations is no citation, nor are this tool's examples.
    if (!isCode(file) || file.startsWith('tools/tidy/')) continue;
    for (const [, numbers] of text.matchAll(citation)) {
      for (const number of new Set(citedNumbers(numbers!))) {
        const { code, tests } = found.get(number) ?? { code: new Map<string, number>(), tests: new Map<string, number>() };
        found.set(number, { code, tests });
        const places = proves(file) ? tests : code;
        places.set(file, (places.get(file) ?? 0) + 1);
      }
    }
  }
  return found;
}

/** The contracts of the testkit are tests, though their files are named otherwise: other packages import them. */
function proves(file: string): boolean {
  return isTestCode(file) || file.startsWith('packages/testkit/src/');
}

function missing(
  listed: readonly number[],
  cited: ReadonlySet<number>,
  excepted: readonly number[],
  reason: string,
): Finding[] {
  const findings: Finding[] = [];
  for (const number of listed) {
    if (!cited.has(number) && !excepted.includes(number))
      findings.push({ file: INVARIANTS_PAGE, message: `invariant ${number}: ${reason}` });
    if (cited.has(number) && excepted.includes(number)) {
      findings.push({
        file: INVARIANTS_PAGE,
        message: `invariant ${number} is cited now: remove it from the ratchet (${reason})`,
      });
    }
  }
  return findings;
}
