// Copies a PostgreSQL database into a DuckDB file and keeps it equal until Ctrl-C; started again, it goes on.
import { Pipeline } from '@weir/engine';
import { duckdb } from '@weir/sink-duckdb';
import { postgres } from '@weir/source-postgres';

await using pipeline = new Pipeline({
  name: 'shop',
  source: postgres({ url: process.env['DATABASE_URL']!, tables: ['public.*'] }, { pipeline: 'shop' }),
  sinks: { warehouse: duckdb({ path: process.argv[2] ?? './shop.duckdb' }) },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => pipeline.stop());
await pipeline.run();
