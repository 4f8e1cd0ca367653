/**
 * The other process of the store's tests. `DIRECTORY`: opens the store of a directory and prints `open` or the error's
 * code. Then, for each line on standard input, saves as many checkpoints as the line says and prints the position of
 * each when its save has resolved.
 */
import { createInterface } from 'node:readline';
import { WeirError } from '@weir/sdk';
import { openSqliteStore } from '../sqlite-store.ts';
import type { Store } from '../store.ts';

async function serve(store: Store): Promise<void> {
  let position = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    for (let i = 0; i < Number(line); i++) {
      const checkpoint = { position: String(++position).padStart(8, '0'), state: { filler: 'x'.repeat(2000) } };
      await store.saveCheckpoint({ pipeline: 'shop', sink: 'warehouse', shard: 0 }, { checkpoint, staged: null });
      process.stdout.write(`${checkpoint.position}\n`);
    }
  }
}

try {
  const store = openSqliteStore(process.argv[2]!);
  process.stdout.write('open\n');
  await serve(store);
} catch (error) {
  process.stdout.write(`${error instanceof WeirError ? error.code : String(error)}\n`);
}
