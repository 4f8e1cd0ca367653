import { identifier } from './sql-text.ts';
import type { Transaction } from './transaction.ts';

/** The schema of Weir's own tables. */
export const OWN_SCHEMA = 'weir';

/** Held while the tables are made: two sessions that both find them missing would make them twice. Any number will do. */
const MAKING_LOCK = 0x77656972;

const CHECKPOINT = `${OWN_SCHEMA}.checkpoint`;
/** Which table belongs to which table of the source, and which are stopped. */
export const TABLES: string = `${OWN_SCHEMA}.tables`;

/** Makes Weir's own tables where they are missing. A role that may not make a schema can be given it, or the tables. */
export async function makeOwnTables(transaction: Transaction): Promise<void> {
  const at = { doing: `making the tables of schema ${OWN_SCHEMA}` };
  const found = `SELECT to_regclass('${CHECKPOINT}'), to_regclass('${TABLES}'), to_regnamespace('${OWN_SCHEMA}')`;
  const [before] = (await transaction.run(found, at)).rows;
  if (before![0] !== null && before![1] !== null) return;
  const schema = before![2] === null ? `CREATE SCHEMA IF NOT EXISTS ${identifier(OWN_SCHEMA)};` : '';
  await transaction.run(
    `BEGIN; SELECT pg_advisory_xact_lock(${MAKING_LOCK}); ${schema}
    CREATE TABLE IF NOT EXISTS ${CHECKPOINT} (
      pipeline text, sink text, shard integer, source text, fence bigint NOT NULL, position text, state json,
      updated_at timestamptz, PRIMARY KEY (pipeline, sink, shard, source));
    CREATE TABLE IF NOT EXISTS ${TABLES} (
      pipeline text, sink text, source_namespace text, source_name text, target_schema text, target_table text,
      stopped_code text, stopped_message text, PRIMARY KEY (pipeline, sink, source_namespace, source_name));
    COMMENT ON TABLE ${CHECKPOINT} IS 'Weir: how far each pipeline is, and who may write';
    COMMENT ON TABLE ${TABLES} IS 'Weir: which table belongs to which table of the source, and which are stopped';
    COMMIT`,
    at,
  );
}
