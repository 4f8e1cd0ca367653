import { parseLsn, type TableBinding } from '@weir/pgoutput';
import { query, quoteIdentifier } from '@weir/postgres';
import { WeirError, tableName, type Batch, type Key } from '@weir/sdk';
import type pg from 'pg';
import { quoteTable, readTables, type CatalogTable } from '../capture/catalog.ts';
import { readShapes } from '../shape/catalog-shapes.ts';
import type { CatalogShape } from '../shape/table-shape.ts';
import { LISTS_AND_FILTERS, serverVersion } from '../server-version.ts';
import { VisibleTransactions } from '../stream/visible-transactions.ts';
import { CHUNK_BYTES, type ChunkQuery } from './chunk-reader.ts';
import { keySql, type BytewiseColumns, type KeySql } from './key-sql.ts';

/** Longest that a round waits for a lock on a table: the stream waits with it. */
const LOCK_MS = 250;
const FIRST_CHUNK_ROWS = 10_000;
const FEWEST_CHUNK_ROWS = 500;
const MOST_CHUNK_ROWS = 200_000;
/** A table without an index in the order of the copy is sorted for each chunk, so there are few of them. */
const SORTED_CHUNKS = 16;

/** A part of a table that is read whole. */
export interface ChunkPart extends ChunkQuery {
  readonly table: CatalogTable;
  /** How many it has at most; more when it is the rest. */
  readonly rows: number;
  /** Everything of the table that is left. */
  readonly isRest: boolean;
  /** Set when this key alone is read once more. */
  readonly hole: Key | null;
}

/** What a transaction that reads chunks sees. */
export interface RoundView {
  /** Text of the `pg_snapshot`. */
  readonly snapshot: string;
  readonly visible: VisibleTransactions;
  /** An LSN between what altered the tables before they were locked, and what alters them when they are not any more. */
  readonly at: bigint;
  readonly tables: readonly CatalogTable[];
  readonly shapes: ReadonlyMap<number, CatalogShape>;
}

/** Where the reading of a table goes on. */
export interface PartStart {
  readonly table: CatalogTable;
  readonly binding: TableBinding;
  /** The last key that was read; null: from the first one on. */
  readonly after: Key | null;
  readonly holes: readonly Key[];
  /** Only holes are left. */
  readonly isDone: boolean;
  /** Bytes of one of its rows, as far as is known by now; null when none was read yet. */
  readonly rowBytes: () => number | null;
  /** Set by who knows how many rows a chunk is to have. */
  readonly chunkRows: number | null;
}

/** One transaction that sees the tables at one moment, while they are locked against rewrites. Its owner ends it. */
export class CopyRound {
  readonly #client: pg.Client;
  readonly #where: Readonly<Record<string, string>>;

  private constructor(client: pg.Client, where: Readonly<Record<string, string>>) {
    this.#client = client;
    this.#where = where;
  }

  /**
   * Locks first: then no rewrite lies between the snapshot and what is read in it.
   * @param locking has others lock the tables too, at the same time: behind somebody who waits for one of the locks the rest
   * would wait for them, and they for the first
   * @returns null when a table is locked, or is not there under this name any more: another time it may do
   */
  static async begin(
    client: pg.Client,
    tables: readonly CatalogTable[],
    where: Readonly<Record<string, string>>,
    locking: (sql: string) => Promise<void> = async () => {},
  ): Promise<{ round: CopyRound; view: RoundView } | null> {
    await query(client, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    try {
      const timeout = `SET LOCAL lock_timeout = ${LOCK_MS}`;
      const lock = `LOCK TABLE ${tables.map(quoteTable).join(', ')} IN ACCESS SHARE MODE`;
      await query(client, timeout);
      // Whichever fails first: what the other one does must be over before the next round uses its connections.
      const locked = await Promise.allSettled([query(client, lock), locking(`${timeout}; ${lock}`)]);
      for (const each of locked) if (each.status === 'rejected') throw each.reason;
      const [row] = await query(client, 'SELECT pg_current_snapshot()::text AS snapshot, pg_current_wal_insert_lsn() AS at');
      const snapshot = row!['snapshot']!;
      const scopes = new Map(tables.map((table) => [table.oid, table.scope]));
      const seen = await readTables(client, scopes.keys(), ({ oid }) => scopes.get(oid)!);
      const same = seen.filter((table) => tables.some((other) => other.oid === table.oid && quoteTable(other) === quoteTable(table)));
      const shapes = await readShapes(client, same);
      return {
        round: new CopyRound(client, where),
        view: { snapshot, visible: new VisibleTransactions(snapshot), at: parseLsn(row!['at']!), tables: same, shapes },
      };
    } catch (error) {
      await query(client, 'ROLLBACK');
      if (error instanceof WeirError && (error.code === 'WEIR_PG_LOCKED' || error.code === 'WEIR_PG_QUERY')) return null;
      throw error;
    }
  }

  /** Its name, under which other transactions can see the same. */
  async export(): Promise<string> {
    return (await query(this.#client, 'SELECT pg_export_snapshot() AS name'))[0]!['name']!;
  }

  async end(): Promise<void> {
    await query(this.#client, 'ROLLBACK');
  }

  /**
   * The chunks of the tables, one table after the other, each as its turn comes; whoever has enough stops asking.
   * @param most rows of the chunk that comes next; null when there is no limit
   */
  async *parts(starts: readonly PartStart[], most: () => number | null): AsyncGenerator<ChunkPart, void> {
    const bytewise = await readBytewise(this.#client, starts.map(({ table }) => table.oid));
    for (const start of starts) {
      const key = keySql(start.table, bytewise);
      for (const hole of start.holes) yield this.#holePart(start, key, hole);
      if (!start.isDone) yield* this.#tableParts(start, key, () => chunkRows(start, key, most()));
    }
  }

  async *#tableParts(start: PartStart, key: KeySql, rowsOf: () => number): AsyncGenerator<ChunkPart, void> {
    let from = start.after === null ? null : key.after(start.after);
    while (true) {
      const rows = rowsOf();
      const bound = await this.#bound(start.table, key, from, rows);
      const upTo = bound === null ? null : key.upToText(bound);
      const sql = `${this.#rows(start.table, [from, upTo])} ORDER BY ${key.ascending}`;
      yield { ...this.#part(start, sql), rows, isRest: bound === null, hole: null };
      if (bound === null) return;
      from = key.afterText(bound);
    }
  }

  /** The key of the row that is that many behind a place; null when there are fewer. */
  async #bound(table: CatalogTable, key: KeySql, from: string | null, rows: number): Promise<string[] | null> {
    const columns = key.columns.map((column, part) => `${column} AS k${part}`).join(', ');
    const place = `${this.#rows(table, [from])} ORDER BY ${key.ascending} OFFSET ${rows - 1} LIMIT 1`;
    // Texts are made of this row only, and not of all that it is counted from.
    const texts = key.columns.map((_column, part) => `k${part}::text`).join(', ');
    const sql = `SELECT ${texts} FROM (SELECT ${columns} FROM ${place}) AS bound`;
    const [row] = await query(this.#client, sql, [], { timeoutMs: null });
    return row === undefined ? null : key.columns.map((_column, part) => row[`k${part}`]!);
  }

  /** The row with a key, if there is one. */
  #holePart(start: PartStart, key: KeySql, hole: Key): ChunkPart {
    return { ...this.#part(start, this.#rows(start.table, [key.is(hole)])), rows: 1, isRest: false, hole };
  }

  #part({ table, binding }: PartStart, rows: string): Pick<ChunkPart, 'table' | 'binding' | 'sql'> {
    const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
    return { table, binding, sql: `COPY (SELECT ${columns} FROM ${rows}) TO STDOUT` };
  }

  #rows(table: CatalogTable, conditions: readonly (string | null)[]): string {
    const where = this.#where[tableName(table)] ?? null;
    const all = [...conditions, table.scope.rowFilter, where].filter((condition) => condition !== null);
    const from = `${table.partitioned ? '' : 'ONLY '}${quoteTable(table)}`;
    return all.length === 0 ? from : `${from} WHERE ${all.map((condition) => `(${condition})`).join(' AND ')}`;
  }
}

function chunkRows({ table, rowBytes: known, chunkRows: chosen }: PartStart, key: KeySql, most: number | null): number {
  if (chosen !== null) return chosen;
  const rowBytes = known();
  const bySize = rowBytes === null ? FIRST_CHUNK_ROWS : Math.ceil(CHUNK_BYTES / rowBytes);
  const rows = Math.min(MOST_CHUNK_ROWS, Math.max(FEWEST_CHUNK_ROWS, bySize));
  const few = key.isIndexed ? rows : Math.max(rows, Math.ceil(table.estimatedRows / SORTED_CHUNKS));
  return most === null ? few : Math.max(1, Math.min(most, few));
}

/** Text columns whose own order is that of their bytes. */
async function readBytewise(client: pg.Client, oids: readonly number[]): Promise<BytewiseColumns> {
  // From 15 on a database can have another provider than the C library, whatever its datcollate says.
  const provider = (await serverVersion(client)) >= LISTS_AND_FILTERS ? 'd.datlocprovider' : "'c'";
  const sql = `
    SELECT a.attrelid || '.' || a.attnum AS place
      FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation
      JOIN pg_database d ON d.datname = current_database()
     WHERE a.attrelid = ANY ($1::oid[])
       AND CASE WHEN c.collprovider = 'd' THEN ${provider} = 'b' OR (${provider} = 'c' AND d.datcollate IN ('C', 'POSIX'))
                ELSE c.collprovider = 'b' OR (c.collprovider = 'c' AND c.collcollate IN ('C', 'POSIX')) END`;
  const rows = await query(client, sql, [`{${oids.join(',')}}`]);
  return new Set(rows.map((row) => row['place']!));
}

/** The key of a row. */
export function keyAt(batch: Batch, { table }: CatalogTable, row: number): Key {
  const { key, columns } = table;
  const first = batch.after[row]!;
  return key.map((column) => {
    const start = batch.start[first + column]!;
    const bytes = batch.data.subarray(start, start + batch.length[first + column]!);
    return columns[column]!.type.kind === 'bytes' ? Buffer.from(bytes).toString('hex') : decoder.decode(bytes);
  });
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
