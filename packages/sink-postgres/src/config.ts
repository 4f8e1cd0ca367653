import { duration, secret, type Secret } from '@weir/sdk';
import { z } from 'zod';

/** The `postgres` block of a sink. */
export interface PostgresSinkConfig {
  /** `postgres://user:password@host:port/database` */
  readonly url: Secret;
  /** Default: none on loopback, `verify-full` elsewhere. */
  readonly tls?: 'verify-full' | 'disable' | undefined;
  /** How long a commit may stand still before the server ends the session, in ms: one that hangs lets go of locks. */
  readonly idle_timeout: number;
}

/** A day: longer than any commit should stand still, and well within the server's range. */
const MAX_IDLE_MS = 86_400_000;

export const postgresSinkConfig: z.ZodType<PostgresSinkConfig> = z
  .strictObject({
    url: secret.describe('postgres://user:password@host:port/database'),
    tls: z.enum(['verify-full', 'disable']).optional().describe('Default: disable on loopback, verify-full elsewhere'),
    idle_timeout: duration
      .pipe(z.number().min(1000, 'expected at least 1s').max(MAX_IDLE_MS, 'expected at most 1d'))
      .prefault('5m')
      .describe('How long a commit may stand still before the server ends the session; default 5m'),
  })
  .describe('PostgreSQL 14 to 18');
