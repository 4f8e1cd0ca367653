import { Op, type Checkpoint } from '@weir/sdk';
import { Reading, type SeenRow } from '@weir/testkit';
import type { MysqlEnvironment } from './mysql-environment.ts';

/** Changes of items, in short: `insert 3 label`, `update 3 label`, `delete 3`. */
export function itemEvents(rows: readonly SeenRow[]): string[] {
  return rows.map(({ op, after, before }) => {
    if (op === Op.delete) return `delete ${String(before![0])}`;
    return `${op === Op.update ? 'update' : 'insert'} ${String(after![0])} ${String(after![1])}`;
  });
}

/** The checkpoint behind item 1, which was copied, and item 2, which was streamed, and before item 3, which was not read yet. */
export async function stopped(environment: MysqlEnvironment): Promise<Checkpoint> {
  await environment.fill(1, 1, 'copied');
  await using reading = await Reading.open(environment.source(), null);
  await reading.untilCopied();
  await environment.apply([{ op: 'insert', id: 2, label: 'read' }]);
  await reading.untilStreamed(1);
  await environment.apply([{ op: 'insert', id: 3, label: 'not read' }]);
  return reading.checkpoint;
}
