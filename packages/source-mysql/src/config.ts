import type { ZeroDates } from '@weir/binlog';
import { connectionFields, needsServer, type ConnectionConfig } from '@weir/mysql';
import { tablePatternText } from '@weir/sdk';
import { z } from 'zod';

/** The `mysql` block of a source. */
export interface MysqlConfig extends ConnectionConfig {
  /** Patterns `database.table`, `*` and `?` as wildcards, `!` in front excludes; quoted parts are taken literally. */
  readonly tables: readonly string[];
  /** As which replica the log is read, 1 to 4,294,967,295; null: a number made of the pipeline's name. */
  readonly server_id: number | null;
  /** What becomes of a date that is no day of the calendar. */
  readonly zero_dates: ZeroDates;
  /** What becomes of a pipeline whose checkpoint leads to no next change any more. */
  readonly on_lost_position: 'fail' | 'resnapshot';
  readonly snapshot: SnapshotConfig;
}

/** How tables are copied. */
export interface SnapshotConfig {
  /**
   * `initial`: rows that are there already are copied, then changes stream. `never`: only changes from the first start on.
   * `only`: the source ends when everything is copied.
   */
  readonly mode: 'initial' | 'never' | 'only';
  /** Rows that are read at once, between two places where a copy can go on; by default as many as fit in 8 MiB. */
  readonly chunk_rows?: number | undefined;
}

export const mysqlConfig: z.ZodType<MysqlConfig> = z
  .strictObject({
    ...connectionFields,
    tables: z
      .array(z.string().regex(tablePatternText, 'expected database.table, for example shop.* or "My Database"."My Table"'))
      .min(1)
      .describe('Patterns database.table; * and ? are wildcards, a leading ! excludes'),
    server_id: z
      .int()
      .min(1)
      .max(0xffff_ffff)
      .nullable()
      .default(null)
      .describe('As which replica the log is read, a number that no other server has; default one made of the pipeline’s name'),
    zero_dates: z
      .enum(['null', 'error', 'text'])
      .default('null')
      .describe('A date that is no day of the calendar becomes NULL, stops the pipeline, or makes its column one of texts'),
    on_lost_position: z
      .enum(['fail', 'resnapshot'])
      .default('fail')
      .describe('Where changes were lost, stop, or copy all tables again'),
    snapshot: z
      .strictObject({
        mode: z.enum(['initial', 'never', 'only']).default('initial').describe('Copy, then stream; only stream; or copy and end'),
        chunk_rows: z.int().min(1).optional().describe('Rows read at once; default as many as fit in 8 MiB'),
      })
      .prefault({}),
  })
  .refine(needsServer.check, needsServer.params)
  .describe('MySQL 8.0.23 or later, MariaDB 10.6 or later, by the binary log');
