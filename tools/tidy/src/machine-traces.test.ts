import { expect, test } from 'vitest';
import { formatFinding } from './finding.ts';
import { checkMachineTraces } from './machine-traces.ts';
import { filesOf } from './workspace-files.ts';

const found = (text: string): string[] => checkMachineTraces(filesOf({ 'a.md': text })).map(formatFinding);

test.each(['wo' + 'rk', 'ro' + 'ot', 'ho' + 'me', 'Us' + 'ers'])('a path below /%s is found', (folder) => {
  expect(found(`one\nsee /${folder}/me/x`)).toEqual([`a.md:2 holds the path of one machine: /${folder}/`]);
});

test('the address of a registry is found', () => {
  const host = 'https://' + 'registry.' + 'example.org';
  expect(found(`from ${host}/pg`)).toEqual([`a.md:1 names a package registry: ${host}`]);
});

test('paths that hold anywhere, and addresses of documents, pass', () => {
  expect(
    found('/tmp/x, /run/secrets/x, ./wo' + 'rk/x, node/ro' + 'ot/x, $HOME/ho' + 'me/, https://www.apache.org/licenses'),
  ).toEqual([]);
});
