import { connectionFields, needsServer, type ConnectionConfig } from '@weir/mysql';
import { duration } from '@weir/sdk';
import { z } from 'zod';

/** The `mysql` block of a sink. */
export interface MysqlSinkConfig extends ConnectionConfig {
  /** How long a commit may stand still before the server ends the session, in ms: one that hangs lets go of locks. */
  readonly idle_timeout: number;
  /** Columns that are kept as text, `schema.table.column` of the source, each part with `*` for any characters. */
  readonly as_text: readonly string[];
}

/** A day: longer than any commit should stand still, and well within the server's range. */
const MAX_IDLE_MS = 86_400_000;

export const mysqlSinkConfig: z.ZodType<MysqlSinkConfig> = z
  .strictObject({
    ...connectionFields,
    idle_timeout: duration
      .pipe(z.number().min(1000, 'expected at least 1s').max(MAX_IDLE_MS, 'expected at most 1d'))
      .prefault('5m')
      .describe('How long a commit may stand still before the server ends the session; default 5m'),
    as_text: z
      .array(z.string().regex(/^[^.]+\.[^.]+\.[^.]+$/, 'expected schema.table.column'))
      .max(10_000)
      .prefault([])
      .describe('Columns kept as text, for values that MySQL has none for: schema.table.column, * for any characters'),
  })
  .refine(needsServer.check, needsServer.params)
  .describe('MySQL 8.0.23 or later, MariaDB 10.6 or later');
