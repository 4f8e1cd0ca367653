import type { Checkpoint, ErrorCode } from '@weir/sdk';
import { Reading, type Discontinuity } from '@weir/testkit';
import { boundaryPosition } from '../position.ts';
import type { PostgresEnvironment } from './postgres-environment.ts';

type Cause = Discontinuity<PostgresEnvironment>['cause'];

function stopped(name: string, code: ErrorCode, cause: Cause): Discontinuity<PostgresEnvironment> {
  return { name, code, when: 'stopped', cause };
}

/** Under a streaming session. `sql` ends with a change that shows it or is missing; `$publication` is the pipeline's. */
function streaming(name: string, sql: string, code: ErrorCode): Discontinuity<PostgresEnvironment> {
  const cause: Cause = async ({ database }) => void (await database.sql(sql.replaceAll('$publication', database.slot)));
  return { name, code, when: 'streaming', cause };
}

const dropSlot: Cause = async ({ database }) =>
  void (await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]));

/** All are reasons why rows could be missing, or mean something else than the checkpoint says. */
export const discontinuities: readonly Discontinuity<PostgresEnvironment>[] = [
  stopped('the slot was dropped', 'WEIR_PG_SLOT_LOST', dropSlot),
  stopped('the slot was dropped and made again', 'WEIR_PG_SLOT_ADVANCED', async (environment, checkpoint) => {
    await dropSlot(environment, checkpoint);
    const { database } = environment;
    await database.sql("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [database.slot]);
  }),
  stopped('the slot was dropped and made again, and nothing was written since', 'WEIR_PG_SLOT_ADVANCED', async (environment) => {
    const { database } = environment;
    // The start of a session writes nothing, so this is the checkpoint of all that there is.
    await using reading = await Reading.open(environment.source(), null);
    await reading.untilHead();
    const { checkpoint } = reading;
    await reading[Symbol.asyncDispose]();
    await database.sql('SELECT pg_drop_replication_slot($1)', [database.slot]);
    await database.sql("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [database.slot]);
    return checkpoint;
  }),
  stopped('another reader advanced the slot', 'WEIR_PG_SLOT_ADVANCED', async ({ database }) => {
    await database.sql("INSERT INTO items VALUES (1000, 'read by another', NULL)");
    await database.sql('SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())', [database.slot]);
  }),
  stopped('the publication was dropped', 'WEIR_PG_PUBLICATION_MISSING', async ({ database }) => {
    await database.sql(`DROP PUBLICATION ${database.slot}`);
  }),
  stopped('the publication was dropped and made again', 'WEIR_PG_PUBLICATION_CHANGED', async ({ database }) => {
    await database.sql(`DROP PUBLICATION ${database.slot}`);
    await database.sql("INSERT INTO items VALUES (1000, 'not published', NULL)");
    await database.sql(`CREATE PUBLICATION ${database.slot} FOR TABLE items WITH (publish_via_partition_root = true)`);
  }),
  stopped('the table was taken out of the publication and put back', 'WEIR_PG_PUBLICATION_CHANGED', async ({ database }) => {
    await database.sql(`ALTER PUBLICATION ${database.slot} DROP TABLE items`);
    await database.sql("INSERT INTO items VALUES (1000, 'not published', NULL)");
    await database.sql(`ALTER PUBLICATION ${database.slot} ADD TABLE items`);
  }),
  stopped('the table was taken out of the publication', 'WEIR_PG_PUBLICATION_CHANGED', async ({ database }) => {
    await database.sql(`ALTER PUBLICATION ${database.slot} DROP TABLE items`);
  }),
  stopped('the checkpoint is of another server', 'WEIR_PG_SYSTEM_CHANGED', async (_, checkpoint) => {
    return await Promise.resolve(doctored(checkpoint, { system: '7000000000000000001' }));
  }),
  stopped('the checkpoint is of another timeline', 'WEIR_PG_TIMELINE_CHANGED', async (_, checkpoint) => {
    return await Promise.resolve(doctored(checkpoint, { timeline: 7 }));
  }),
  stopped('the server was put back to an older copy of itself', 'WEIR_PG_LOG_BEHIND', async (_, checkpoint) => {
    return await Promise.resolve({ ...checkpoint, position: boundaryPosition(0, 0x7fff_0000_0000n) });
  }),
  stopped('the checkpoint is of another database of the server', 'WEIR_PG_DATABASE_CHANGED', async (_, checkpoint) => {
    return await Promise.resolve(doctored(checkpoint, { database: 1 }));
  }),
  stopped('the checkpoint has another form', 'WEIR_PG_CHECKPOINT', async (_, checkpoint) => {
    return await Promise.resolve(doctored(checkpoint, { v: 1 }));
  }),
  stopped('the position is of another source', 'WEIR_PG_CHECKPOINT', async (_, checkpoint) => {
    return await Promise.resolve({ ...checkpoint, position: 'binlog.000007:4711' });
  }),
  streaming(
    'the publication was dropped',
    'DROP PUBLICATION $publication; INSERT INTO items VALUES (1000)',
    'WEIR_PG_PUBLICATION_MISSING',
  ),
  streaming(
    'the publication was dropped and made again',
    'DROP PUBLICATION $publication; INSERT INTO items VALUES (1000); CREATE PUBLICATION $publication FOR TABLE items',
    'WEIR_PG_PUBLICATION_CHANGED',
  ),
  streaming(
    'the table was taken out of the publication and put back',
    `ALTER PUBLICATION $publication DROP TABLE items; INSERT INTO items VALUES (1000);
     ALTER PUBLICATION $publication ADD TABLE items`,
    'WEIR_PG_PUBLICATION_CHANGED',
  ),
];

/** The same checkpoint with parts of its private state replaced. */
function doctored(checkpoint: Checkpoint, changes: object): Checkpoint {
  return { ...checkpoint, state: { ...(checkpoint.state as object), ...changes } };
}
