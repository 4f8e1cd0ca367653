import { openDatabase } from '../database.ts';

/** Runs SQL in a file beside the sink, as somebody else would. @returns the last statement's rows as text */
export async function behindItsBack(path: string, sql: string): Promise<(string | null)[][]> {
  const database = await openDatabase(path, { memoryLimit: 0, threads: undefined });
  const connection = await database.connect();
  try {
    const result = await connection.run(sql);
    return (await result.getRows()).map((row) => row.map((value) => (value === null ? null : String(value))));
  } finally {
    connection.closeSync();
    await database.release();
  }
}
