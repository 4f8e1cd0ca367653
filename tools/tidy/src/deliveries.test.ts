import { expect, test } from 'vitest';
import { checkDeliveries } from './deliveries.ts';
import { formatFinding } from './finding.ts';
import { filesOf } from './workspace-files.ts';

const code = `export const sink = { delivery: { class: 'B', mechanism: 'a manifest', limit: 'one bucket' } };`;

function found(page: string, connector = code): string[] {
  const files = filesOf({
    'packages/sink-x/package.json': JSON.stringify({ name: '@weir/sink-x' }),
    'packages/sink-x/src/connector.ts': connector,
    'packages/sink-x/README.md': page,
    'packages/source-y/package.json': JSON.stringify({ name: '@weir/source-y' }),
  });
  return checkDeliveries(files).map(formatFinding);
}

test('a sink whose page says its class and its limits passes (invariant 11)', () => {
  expect(found('# x\n\nA sink of class **B**.\n\n## Limits of this version\n')).toEqual([]);
});

test('a page with another class, or without limits, is found (invariant 11)', () => {
  expect(found('# x\n\nA sink of class A.\n\n## Limits\n')).toEqual([
    'packages/sink-x/README.md does not say that the sink is of class B',
  ]);
  expect(found('# x\n\nClass B. Its limit is the sky.\n')).toEqual([
    'packages/sink-x/README.md has no heading about limits',
  ]);
});

test('a sink that promises nothing is found', () => {
  expect(found('class B\n## Limits\n', 'export const sink = {};')).toEqual([
    'packages/sink-x has no connector with a `delivery`',
  ]);
});
