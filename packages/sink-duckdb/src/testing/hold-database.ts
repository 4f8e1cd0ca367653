/**
 * A process that has a DuckDB file open, or tried to: `node hold-database.ts PATH`. It prints `open` or the code and the
 * message of the error, and ends when its input does.
 */
import { WeirError } from '@weir/sdk';
import { openDatabase } from '../database.ts';

try {
  const database = await openDatabase(process.argv[2]!, { memoryLimit: 0, threads: undefined });
  console.info('open');
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
  await database.release();
} catch (error) {
  console.info(error instanceof WeirError ? `${error.code} ${error.message}` : String(error));
}
