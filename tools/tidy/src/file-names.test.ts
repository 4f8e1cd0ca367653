import { expect, test } from 'vitest';
import { checkFileNames } from './file-names.ts';
import { formatFinding } from './finding.ts';
import { filesOf } from './workspace-files.ts';

const found = (file: string): string[] => checkFileNames(filesOf({ [file]: '' })).map(formatFinding);

test.each([
  'packages/a/src/batch-builder.ts',
  'packages/a/src/x.prop.test.ts',
  'packages/sink-x/src/types.ts',
  'README.md',
  'vitest.shared.ts',
  'a/b2.ts',
])('%s is a good name', (file) => {
  expect(found(file)).toEqual([]);
});

test.each(['a/BatchBuilder.ts', 'a/batchBuilder.ts', 'a/batch_builder.ts', 'a/-batch.ts'])(
  '%s is not kebab-case',
  (file) => {
    expect(found(file)).toEqual([`${file} is not named in kebab-case`]);
  },
);

test.each([
  ['a/utils.ts', 'utils'],
  ['a/common.test.ts', 'common'],
  ['a/helpers/x.ts', 'helpers'],
  ['packages/engine/src/types.ts', 'types'],
  ['packages/sink-x/src/deep/types.ts', 'types'],
  ['a/tmp-profile.ts', 'tmp-profile'],
])('%s names no concept', (file, part) => {
  expect(found(file)).toEqual([`${file} “${part}” says nothing: name it after the concept that it holds`]);
});
