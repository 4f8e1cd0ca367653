import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readWorkspace } from './workspace-files.ts';

function workspace(gitignore: string): string {
  const root = mkdtempSync(join(tmpdir(), 'weir-tidy-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, '.gitignore'), gitignore);
  return root;
}

test('files that git would keep are read, binary ones without text', () => {
  const root = workspace('# made\ndist/\n*.log\n.lock*\n');
  for (const folder of ['dist', 'a/dist', 'a/src', '.git']) mkdirSync(join(root, folder), { recursive: true });
  for (const file of ['dist/x', 'a/dist/x', '.git/x', 'a/x.log', '.lock-1', 'a/src/x.ts', 'b'])
    writeFileSync(join(root, file), file);
  writeFileSync(join(root, 'c.png'), Uint8Array.of(137, 80, 0, 1));
  expect([...readWorkspace(root)]).toEqual([
    ['.gitignore', '# made\ndist/\n*.log\n.lock*\n'],
    ['a/src/x.ts', 'a/src/x.ts'],
    ['b', 'b'],
    ['c.png', ''],
  ]);
});

test('a pattern that would be misread is refused', () => {
  expect(() => readWorkspace(workspace('!keep\n'))).toThrow('.gitignore: tidy does not know the pattern !keep');
});
