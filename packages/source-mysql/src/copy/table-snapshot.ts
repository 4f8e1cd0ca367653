import { WeirError, type Batch, type Table } from '@weir/sdk';
import { quoteTable, type SnapshotMoment, type StreamPlace } from './chunk-snapshot.ts';
import { rowCells, selectedColumns } from './row-reader.ts';
import { SnapshotConnection, type SnapshotOptions } from './snapshot-connection.ts';

/** What is done with the rows of one snapshot. */
export interface SnapshotRows {
  /**
   * The moment is known before the first row comes. On MySQL it may not be known of a transaction whether the snapshot sees it
   * (`SnapshotMoment.sees`): whoever meets one that changed these tables takes the snapshot again, with `isLocking` after a few times.
   */
  begin(moment: SnapshotMoment): void | Promise<void>;
  /** Gets the rows, without checkpoints; what it returns is waited for, and meanwhile the server waits (invariant 8). */
  give(table: Table, batch: Batch): Promise<void>;
  /** All rows of a table were given. */
  end(table: Table): Promise<void>;
}

/**
 * Reads whole tables, one after the other, as they are at one moment: those without a key, which cannot be read in parts.
 * @param place the snapshot sees all that was delivered up to there
 * @returns false when it cannot be done now; nothing was given then
 * @throws what `SnapshotConnection.during` throws, what `rows` throws, WeirError WEIR_BINLOG_ZERO_DATE, WEIR_MYSQL_CONNECTION_LOST also when a
 * table was altered while others were read; the signal's reason
 */
export async function readSnapshot(
  options: SnapshotOptions,
  tables: readonly Table[],
  place: StreamPlace,
  rows: SnapshotRows,
  signal: AbortSignal,
): Promise<boolean> {
  await using connection = new SnapshotConnection(options);
  let isGiven = false;
  const done = await connection.during(tables, place, signal, async (reader, moment) => {
    await rows.begin(moment);
    for (const table of tables) {
      const sql = `SELECT ${selectedColumns(table)} FROM ${quoteTable(table)}`;
      const give = async (batch: Batch): Promise<boolean> => {
        isGiven = true;
        await rows.give(table, batch);
        return true;
      };
      await reader.read(sql, rowCells(table, options.zeroDates), give, signal);
      isGiven = true;
      await rows.end(table);
    }
    return true;
  });
  if (done === null && isGiven) throw new WeirError('WEIR_MYSQL_CONNECTION_LOST', 'a table was altered just before its copy, whose other tables are read already');
  return done === true;
}
