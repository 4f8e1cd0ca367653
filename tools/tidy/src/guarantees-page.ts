import type { Finding } from './finding.ts';
import { guarantees } from './guarantees.ts';
import { INVARIANTS_PAGE, citationsOf, listedInvariants, type Citations } from './invariant-citations.ts';
import type { Files } from './workspace-files.ts';

export const GUARANTEES_PAGE = 'docs/guarantees.md';

/** The page names every place that cites an invariant, and every place that it names cites it. */
export function checkGuaranteesPage(files: Files): Finding[] {
  const listed = listedInvariants(files.get(INVARIANTS_PAGE) ?? '');
  const findings: Finding[] = listed
    .filter((number) => guarantees.every((guarantee) => guarantee.number !== number))
    .map((number) => ({ file: GUARANTEES_PAGE, message: `says nothing of invariant ${number}: add it to guarantees.ts` }));
  const cited = citationsOf(files);
  for (const { number, enforced } of guarantees) {
    for (const file of enforced) {
      if (cited.get(number)?.code.has(file) === true) continue;
      findings.push({ file, message: `is said to enforce invariant ${number}, but does not cite it` });
    }
  }
  if (files.get(GUARANTEES_PAGE) === renderGuaranteesPage(files)) return findings;
  return [...findings, { file: GUARANTEES_PAGE, message: 'is not what the citations say: run `npm run docs`' }];
}

/** `docs/guarantees.md`: for each invariant where it is enforced and what proves it, from the citations in the files. */
export function renderGuaranteesPage(files: Files): string {
  const cited = citationsOf(files);
  const names = namesOf(files.get(INVARIANTS_PAGE) ?? '');
  return [...introduction, ...guarantees.flatMap((guarantee) => section(guarantee, names, cited))].join('\n');
}

const introduction = [
  '# Guarantees',
  '',
  '<!-- Made by `npm run docs` from tools/tidy/src/guarantees.ts and the citations in code and tests; do not edit. -->',
  '',
  'What each [invariant](invariants.md) means for who relies on it: how it is held, where, what proves it, and what it does *not*',
  'promise. The lists are made from the citations in the files, and a test fails when one is left out or leads nowhere.',
  '`npm test` runs everything that is named here; [the contracts](../packages/testkit/README.md) run for every connector.',
  '',
];

function section(
  { number, held, limits, enforced }: (typeof guarantees)[number],
  names: ReadonlyMap<number, string>,
  cited: ReadonlyMap<number, Citations>,
): string[] {
  const { code, tests } = cited.get(number) ?? { code: new Map<string, number>(), tests: new Map<string, number>() };
  const others = [...code.keys()].filter((file) => !enforced.includes(file));
  return [
    `## ${number}. ${names.get(number) ?? ''}`,
    '',
    ...held,
    '',
    `Enforced in ${enforced.map(link).join(', ')}.${others.length > 0 ? ` Kept in mind by ${others.map(link).join(', ')}.` : ''}`,
    '',
    `Proven by ${Array.from(tests, ([file, count]) => `${link(file)}${count > 1 ? ` (${count})` : ''}`).join(', ')}.`,
    '',
    'Not promised:',
    '',
    ...limits.map((limit) => (limit.startsWith(' ') ? limit : `- ${limit}`)),
    '',
  ];
}

function namesOf(page: string): Map<number, string> {
  return new Map([...page.matchAll(/^(\d+)\. \*\*(.+?)\.?\*\*/gm)].map(([, number, name]) => [Number(number), name!]));
}

/** `source-postgres/copy/copy-round` for a file of a package. */
function link(file: string): string {
  const label = file.replace(/^(?:packages|apps|tools)\//, '').replace('/src/', '/').replace(/(?:\.test)?\.ts$/, '');
  return `[${label}](../${file})`;
}
