import type { DuckDBConnection } from '@duckdb/node-api';
import { isLaid, type Layout } from './layout.ts';
import { foldName, literal, type QualifiedName } from './sql-text.ts';
import { targetKey } from './target-catalog.ts';

/** Rows of one vector. DuckDB notes for each vector of which a row was deleted until when each of its rows is to be seen. */
export const VECTOR_ROWS = 2048;
/** What such a note takes of DuckDB 1.5's memory until the next checkpoint, in bytes. It cannot be spilled. */
const NOTE_BYTES = 20 * 1024;

/** An aggregate over rows `t` of a target: how many vectors they lie in, or more. */
export function vectorsSql({ order }: Layout): string {
  const hasColumn = order.some((column) => foldName(isLaid(column) ? column.target : column.name) === 'rowid');
  return hasColumn ? 'count(*)' : `count(DISTINCT t.rowid // ${VECTOR_ROWS})`;
}

/** A bound of what the deleted rows of a file hold of DuckDB's memory since the last checkpoint. */
export class HeldDeletes {
  /** By {@link targetKey}: vectors of which a row was deleted. One that lost rows twice may be counted twice. */
  readonly #vectors = new Map<string, number>();

  get bytes(): number {
    let vectors = 0;
    for (const count of this.#vectors.values()) vectors += count;
    return vectors * NOTE_BYTES;
  }

  add(table: QualifiedName, vectors: number): void {
    const key = targetKey(table);
    this.#vectors.set(key, (this.#vectors.get(key) ?? 0) + vectors);
  }

  /** To be called when the bound is too much: looks up how many vectors the tables have at most. */
  async tighten(connection: DuckDBConnection, database: string): Promise<void> {
    const result = await connection.run(
      `SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = ${literal(database)}`,
    );
    const sizes = new Map(
      (await result.getRows()).map(([schema, table, rows]) => [
        targetKey({ schema: String(schema), table: String(table) }),
        Math.ceil(Number(rows) / VECTOR_ROWS),
      ]),
    );
    // A table that was not committed yet has no rows that others might see, and notes nothing.
    for (const [key, vectors] of this.#vectors) this.#vectors.set(key, Math.min(vectors, sizes.get(key) ?? 0));
  }

  /** To be called after a checkpoint. */
  clear(): void {
    this.#vectors.clear();
  }
}
