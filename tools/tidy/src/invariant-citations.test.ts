import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkInvariantCitations, type CitationRatchet } from './invariant-citations.ts';
import { filesOf } from './workspace-files.ts';

const page = '# Invariants\n\n1. **Persist, then confirm.** Always.\n2. **Order.** Always.\n3. **Bounds.** Always.\n';
const none: CitationRatchet = { notInCode: [], notInTests: [] };

function found(texts: Readonly<Record<string, string>>, ratchet = none): string[] {
  return checkInvariantCitations(filesOf({ 'docs/invariants.md': page, ...texts }), ratchet).map(formatFinding);
}

const cited = { 'a/src/a.ts': '// invariants 1, 2 and 3', 'a/src/a.test.ts': "test('order (Invariants 1 to 3)')" };

test('invariants that code and tests cite pass', () => {
  expect(found(cited)).toEqual([]);
});

test('the contracts of the testkit prove, and enforce nothing', () => {
  const { 'a/src/a.ts': code } = cited;
  expect(found({ 'a/src/a.ts': code, 'packages/testkit/src/a-contract.ts': '// invariants 1 to 3' })).toEqual([]);
});

test('a citation of a number that is not in the list is found, in pages too', () => {
  expect(found({ ...cited, 'docs/a.md': 'See\ninvariants 2 and 12.', 'a/src/b.ts': '// invariant 4' })).toEqual([
    'docs/a.md:2 cites “invariants 2 and 12”, but docs/invariants.md has no number 12',
    'a/src/b.ts:1 cites “invariant 4”, but docs/invariants.md has no number 4',
  ]);
});

test('an invariant that no code or no test cites is found', () => {
  expect(found({ ...cited, 'a/src/a.ts': '// invariants 1 and 3' })).toEqual([
    'docs/invariants.md invariant 2: no code says that it enforces it',
  ]);
  expect(found({ ...cited, 'a/src/a.test.ts': '// invariant 1, invariant 2' })).toEqual([
    'docs/invariants.md invariant 3: no test says that it proves it',
  ]);
});

test('the ratchet excepts an invariant until it is cited', () => {
  const partly = { ...cited, 'a/src/a.ts': '// invariants 1 and 3' };
  expect(found(partly, { ...none, notInCode: [2] })).toEqual([]);
  expect(found(cited, { ...none, notInTests: [3] })).toEqual([
    'docs/invariants.md invariant 3 is cited now: remove it from the ratchet (no test says that it proves it)',
  ]);
});

test('a missing list is found', () => {
  expect(checkInvariantCitations(filesOf(cited), none).map(formatFinding)).toEqual(['docs/invariants.md is missing']);
});
