import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

function blocks(file: string, pattern: RegExp): (string | undefined)[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  return Array.from(text.matchAll(pattern), ([, block]) => block);
}

test('docs/connectors.md quotes the sink and the driver that pass the contract', () => {
  const written = ['./testing/event-file.ts', './event-file.contract.test.ts'].flatMap((file) =>
    blocks(file, /\/\/ begin \w+\n(.*?) *\/\/ end\n/gs),
  );
  // In a package of its own both stand side by side, and the test kit is another package.
  const driver = written[1]!.replace("'./index.ts'", "'@weir/testkit'").replace("'./testing/", "'./");
  expect(blocks('../../../docs/connectors.md', /```ts\n(.*?)```/gs)).toEqual([written[0], driver]);
  for (const text of written) expect(text!.split('\n').length).toBeLessThan(60);
});
