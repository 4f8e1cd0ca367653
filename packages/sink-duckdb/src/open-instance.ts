import { DuckDBInstance } from '@duckdb/node-api';
import { lacksMemory } from './duckdb-error.ts';
import { mostRoom } from './room.ts';

/**
 * Opens a file with as much memory as it takes, `limit` bytes or more: after a crash DuckDB puts what stands in its log in
 * its place while the file opens, and how much that needs shows only then. A limit that is too low would end there each time.
 * @param most never more bytes than these, unless `limit` is
 * @throws what DuckDB says
 */
export async function openInstance(
  path: string,
  limit: number,
  settings: Readonly<Record<string, string>>,
  most: number = mostRoom(),
): Promise<{ instance: DuckDBInstance; limit: number }> {
  for (;;) {
    try {
      const instance = await DuckDBInstance.create(path, { memory_limit: `${limit}B`, max_vacuum_tasks: '1', ...settings });
      return { instance, limit };
    } catch (error) {
      if (!lacksMemory(error) || limit >= most) throw error;
      limit = Math.min(limit * 2, most);
    }
  }
}
