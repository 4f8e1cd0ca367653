import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkImportCycles } from './import-cycles.ts';
import { filesOf } from './workspace-files.ts';

test('files that build on each other in one direction pass', () => {
  const files = filesOf({
    'packages/a/src/top.ts': `import './left.ts'; import './right.ts';`,
    'packages/a/src/left.ts': `import './bottom.ts';`,
    'packages/a/src/right.ts': `import './bottom.ts';`,
    'packages/a/src/bottom.ts': `import 'left.ts'; export const text = './top.ts';`,
  });
  expect(checkImportCycles(files)).toEqual([]);
});

test('a cycle is found, through re-exports, types and dynamic imports too', () => {
  const files = filesOf({
    'a/src/one.ts': `export { two } from './two.ts';`,
    'a/src/two.ts': `import type { Three } from './deep/three.ts';`,
    'a/src/deep/three.ts': `export const one = await import('../one.ts');`,
  });
  expect(checkImportCycles(files).map(formatFinding)).toEqual([
    'a/src/deep/three.ts is in an import cycle: a/src/deep/three.ts → a/src/one.ts → a/src/two.ts → a/src/deep/three.ts',
  ]);
});
