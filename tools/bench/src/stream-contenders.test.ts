import { expect, test } from 'vitest';
import { makeBacklog, orders } from './backlog.ts';
import { nodeContenders } from './stream-contenders.ts';

test('everybody who reads a backlog in Node sees all of its rows', async () => {
  await using backlog = await makeBacklog(orders(20_000));
  for (const contender of nodeContenders(backlog)) {
    // It throws when it has counted others than there are.
    expect({ name: contender.name, ...(await contender.run()) }).toMatchObject({ name: contender.name, rows: 20_000 });
  }
});
