import { secret, type Secret } from '@weir/sdk';
import { z } from 'zod';
import { tablePatternText } from './table-pattern.ts';

/** The `postgres` block of a source. */
export interface PostgresConfig {
  /** `postgres://user:password@host:port/database` */
  readonly url: Secret;
  /** Patterns `schema.table`, `*` and `?` as wildcards, `!` in front excludes; quoted parts are taken literally. */
  readonly tables: readonly string[];
  /** An existing publication to use, or the name of the one to create. Default: `weir_<pipeline>`. */
  readonly publication?: string | undefined;
  /** The replication slot to create or use. Default: `weir_<pipeline>`. */
  readonly slot?: string | undefined;
  /** Default: none on loopback, `verify-full` elsewhere. */
  readonly tls?: 'verify-full' | 'disable' | undefined;
  readonly snapshot: {
    /** Connections that read tables at once. */
    readonly max_connections: number;
  };
}

const identifier = z.string().regex(/^[a-z0-9_]{1,63}$/, 'expected lower-case letters, digits and _, at most 63');

export const postgresConfig: z.ZodType<PostgresConfig> = z
  .strictObject({
    url: secret.describe('postgres://user:password@host:port/database'),
    tables: z
      .array(z.string().regex(tablePatternText, 'expected schema.table, for example public.* or "My Schema"."My Table"'))
      .min(1)
      .default(['public.*'])
      .describe('Patterns schema.table; * and ? are wildcards, a leading ! excludes'),
    publication: z.string().min(1).max(63).optional().describe('Publication to create or use; default weir_<pipeline>'),
    slot: identifier.optional().describe('Replication slot to create or use; default weir_<pipeline>'),
    tls: z.enum(['verify-full', 'disable']).optional().describe('Default: disable on loopback, verify-full elsewhere'),
    snapshot: z
      .strictObject({
        max_connections: z.int().min(1).max(32).default(2).describe('Connections that read tables at once'),
      })
      .prefault({}),
  })
  .describe('PostgreSQL 14 to 18, by logical replication');

/** `weir_<pipeline>` as a name that PostgreSQL takes for a slot: lower-case letters, digits and `_`. */
export function defaultName(pipeline: string): string {
  return `weir_${pipeline.toLowerCase().replace(/[^a-z0-9_]/g, '_')}`.slice(0, 63);
}
