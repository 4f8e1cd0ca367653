import { connectionFields, needsServer, type ConnectionConfig } from '@weir/postgres';
import { duration } from '@weir/sdk';
import { z } from 'zod';

/** The `postgres` block of a sink. */
export interface PostgresSinkConfig extends ConnectionConfig {
  /** How long a commit may stand still before the server ends the session, in ms: one that hangs lets go of locks. */
  readonly idle_timeout: number;
}

/** A day: longer than any commit should stand still, and well within the server's range. */
const MAX_IDLE_MS = 86_400_000;

export const postgresSinkConfig: z.ZodType<PostgresSinkConfig> = z
  .strictObject({
    ...connectionFields,
    idle_timeout: duration
      .pipe(z.number().min(1000, 'expected at least 1s').max(MAX_IDLE_MS, 'expected at most 1d'))
      .prefault('5m')
      .describe('How long a commit may stand still before the server ends the session; default 5m'),
  })
  .refine(needsServer.check, needsServer.params)
  .describe('PostgreSQL 14 to 18');
