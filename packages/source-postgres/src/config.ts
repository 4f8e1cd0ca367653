import { connectionFields, needsServer, type ConnectionConfig } from '@weir/postgres';
import { byteSize, tableNameText, tablePatternText } from '@weir/sdk';
import { z } from 'zod';
import { NAME_BYTES } from './capture/publication-name.ts';

/** The `postgres` block of a source. */
export interface PostgresConfig extends ConnectionConfig {
  /** Patterns `schema.table`, `*` and `?` as wildcards, `!` in front excludes; quoted parts are taken literally. */
  readonly tables: readonly string[];
  /** How partitioned tables are captured: each as one table, or each of their leaves as a table. */
  readonly partitions: 'root' | 'leaves';
  /** The columns that are captured of a table, by `schema.table`. Of a table that is not named: all. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  /** The rows that are captured of a table, as an SQL condition, by `schema.table`. */
  readonly rows: Readonly<Record<string, string>>;
  /** What becomes of a table whose rows the server cannot tell apart: refused, or captured without updates and deletes. */
  readonly without_key: 'refuse' | 'insert_only';
  /** An existing publication to use, or the name of the one to create. Default: `weir_<pipeline>`. */
  readonly publication?: string | undefined;
  /** The replication slot to create or use. Default: `weir_<pipeline>`. */
  readonly slot?: string | undefined;
  /** Has standbys keep a copy of the slot, to go on from when one is promoted. PostgreSQL 17 and later. */
  readonly failover: boolean;
  /** What becomes of a pipeline whose checkpoint leads to no next change any more; see `lost-position.ts`. */
  readonly on_lost_position: 'fail' | 'resnapshot' | 'repair';
  /** Bytes of log that the slot may keep the server from removing while the pipeline runs; null: as many as it takes. */
  readonly max_retained_wal: number | null;
  /** What is done about more. */
  readonly on_exceed: 'alert' | 'stop' | 'drop_slot';
  /** From how many bytes of log behind the server's end on rows are read past the WAL sender; null: never. */
  readonly catch_up_at: number | null;
  readonly snapshot: SnapshotConfig;
}

/** How tables are copied. */
export interface SnapshotConfig {
  /**
   * `initial`: rows that are there already are copied, then changes stream. `never`: only changes from the first start on.
   * `only`: the source ends when everything is copied.
   */
  readonly mode: 'initial' | 'never' | 'only';
  /** The rows that are copied of a table, as an SQL condition, by `schema.table`. The stream is not filtered by it. */
  readonly where: Readonly<Record<string, string>>;
  /** Rows that are read at once, between two places where a copy can go on; by default as many as fit in 8 MiB. */
  readonly chunk_rows?: number | undefined;
  /** Bound on rows that are copied in a second, on average over some seconds; none by default. */
  readonly max_rows_per_second?: number | undefined;
  /** Connections that read tables at once. */
  readonly max_connections: number;
}

const namedTable = z.string().regex(tableNameText, 'expected schema.table without wildcards, for example public.orders');

const identifier = z.string().regex(/^[a-z0-9_]{1,63}$/, 'expected lower-case letters, digits and _, at most 63');

export const postgresConfig: z.ZodType<PostgresConfig> = z
  .strictObject({
    ...connectionFields,
    tables: z
      .array(z.string().regex(tablePatternText, 'expected schema.table, for example public.* or "My Schema"."My Table"'))
      .min(1)
      .default(['public.*'])
      .describe('Patterns schema.table; * and ? are wildcards, a leading ! excludes'),
    partitions: z
      .enum(['root', 'leaves'])
      .default('root')
      .describe('A partitioned table is captured as one table, or each of its leaves is'),
    columns: z
      .record(namedTable, z.array(z.string().min(1)).min(1))
      .default({})
      .describe('Columns to capture, by schema.table; default all. They must have the key. PostgreSQL 15 and later'),
    rows: z
      .record(namedTable, z.string().trim().min(1))
      .default({})
      .describe('Rows to capture, as an SQL condition on the replica identity, by schema.table. PostgreSQL 15 and later'),
    without_key: z
      .enum(['refuse', 'insert_only'])
      .default('refuse')
      .describe('A table without a key is refused, or captured without updates and deletes'),
    publication: z
      .string()
      .min(1)
      .max(NAME_BYTES)
      .refine((name) => Buffer.byteLength(name) <= NAME_BYTES, `expected at most ${NAME_BYTES} bytes`)
      .optional()
      .describe('Publication to create or use; default weir_<pipeline>'),
    slot: identifier.optional().describe('Replication slot to create or use; default weir_<pipeline>'),
    failover: z.boolean().default(false).describe('Standbys keep a copy of the slot. PostgreSQL 17 and later'),
    on_lost_position: z
      .enum(['fail', 'resnapshot', 'repair'])
      .default('fail')
      .describe('Where changes were lost, stop, copy all tables again, or read them over what the sinks have'),
    max_retained_wal: byteSize
      .nullable()
      .default(null)
      .describe('Log that the slot may keep at the server while the pipeline runs, for example 20GiB; default no bound'),
    on_exceed: z
      .enum(['alert', 'stop', 'drop_slot'])
      .default('alert')
      .describe('When the slot keeps more: warn, stop the pipeline, or drop the slot and stop'),
    catch_up_at: byteSize
      .nullable()
      .default(64 * 2 ** 20)
      .describe('So far behind, rows are read by an SQL function instead of the WAL sender; null: never'),
    snapshot: z
      .strictObject({
        mode: z
          .enum(['initial', 'never', 'only'])
          .default('initial')
          .describe('Copy, then stream; only stream; or copy and end'),
        where: z
          .record(namedTable, z.string().trim().min(1))
          .default({})
          .describe('Rows to copy, as an SQL condition, by schema.table; changes of all rows are streamed'),
        chunk_rows: z.int().min(1).optional().describe('Rows read at once; default as many as fit in 8 MiB'),
        max_rows_per_second: z.int().min(1).optional().describe('Bound on rows copied in a second; default none'),
        max_connections: z.int().min(1).max(32).default(2).describe('Connections that read tables at once'),
      })
      .prefault({}),
  })
  .refine(needsServer.check, needsServer.params)
  .describe('PostgreSQL 14 to 18, by logical replication');

/** `weir_<pipeline>` as a name that PostgreSQL takes for a slot: lower-case letters, digits and `_`. */
export function defaultName(pipeline: string): string {
  return `weir_${pipeline.toLowerCase().replace(/[^a-z0-9_]/g, '_')}`.slice(0, 63);
}
