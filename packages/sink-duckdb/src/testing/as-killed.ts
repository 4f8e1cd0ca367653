import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { TemporaryDatabase } from './temporary-database.ts';

/**
 * The file and its log as they are while nothing runs, as a process leaves them that is killed now. (Copied by a program of its
 * own: closing a handle of the file here would give DuckDB's lock away.)
 */
export async function asKilled({ path }: TemporaryDatabase): Promise<TemporaryDatabase> {
  const killed = await TemporaryDatabase.make();
  for (const end of ['', '.wal']) if (existsSync(path + end)) await promisify(execFile)('cp', [path + end, killed.path + end]);
  return killed;
}
