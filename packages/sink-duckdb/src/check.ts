import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import duckdb from '@duckdb/node-bindings';
import { WeirError, type CheckResult } from '@weir/sdk';
import { openDatabase, type DatabaseOptions } from './database.ts';

/** Whether the file can be opened and written. A file that is missing is not made. */
export async function checkDatabase(path: string, options: DatabaseOptions): Promise<CheckResult[]> {
  const results: CheckResult[] = [{ code: 'DUCKDB_VERSION', level: 'ok', message: `DuckDB ${duckdb.library_version()}` }];
  const folder = dirname(resolve(path));
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch {
    results.push(
      problem(new WeirError('WEIR_DUCKDB_OPEN', `the folder ${folder} is missing or not writable`, { path: 'path' })),
    );
    return results;
  }
  const found = await stat(path).catch(() => null);
  if (found === null) {
    results.push({ code: 'DUCKDB_FILE', level: 'ok', message: `${path} will be made`, path: 'path' });
    return results;
  }
  results.push(await checkFile(path, options));
  return results;
}

async function checkFile(path: string, options: DatabaseOptions): Promise<CheckResult> {
  try {
    // Only asked, never opened here: closing any handle of the file would give DuckDB's lock away (POSIX).
    await access(path, constants.W_OK | constants.R_OK);
    const database = await openDatabase(path, options);
    await database.release();
    return { code: 'DUCKDB_FILE', level: 'ok', message: `${path} is a DuckDB database and free`, path: 'path' };
  } catch (error) {
    if (error instanceof WeirError) return problem(error);
    return problem(new WeirError('WEIR_DUCKDB_OPEN', `${path} is not writable`, { path: 'path' }));
  }
}

function problem(error: WeirError): CheckResult {
  return { code: error.code, level: 'error', message: error.message, fix: error.fix, path: 'path' };
}
