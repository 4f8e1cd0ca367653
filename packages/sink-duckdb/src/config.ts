import { byteSize } from '@weir/sdk';
import { z } from 'zod';

export interface DuckdbConfig {
  /** The database file; made when it is missing, its folder must exist. */
  readonly path: string;
  /** DuckDB's own memory limit in bytes; the pipeline's share by default. */
  readonly memory_limit?: number | undefined;
  /** DuckDB's threads; one per core by default. */
  readonly threads?: number | undefined;
}

export const duckdbConfig: z.ZodType<DuckdbConfig> = z.strictObject({
  path: z.string().min(1).describe('The database file. It is made when it is missing; its folder must exist.'),
  memory_limit: byteSize.optional().describe("DuckDB's own memory limit, for example 1GiB."),
  threads: z.int().min(1).max(1024).optional().describe("DuckDB's threads; one per core by default."),
});
