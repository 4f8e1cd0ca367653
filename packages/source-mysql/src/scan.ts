import type { ZeroDates } from '@weir/binlog';
import type { ConnectionConfig } from '@weir/mysql';
import type { Batch, Table } from '@weir/sdk';
import type { Flavour } from './checkpoint-state.ts';
import { quoteTable } from './copy/chunk-snapshot.ts';
import { RowReader, rowCells, selectedColumns } from './copy/row-reader.ts';

/** All rows of a table, over a connection of its own; the server waits while nobody takes them (invariant 8). */
export async function* scanTable(config: ConnectionConfig, flavour: Flavour, table: Table, zeroDates: ZeroDates, signal: AbortSignal): AsyncGenerator<Batch> {
  await using reader = await RowReader.open(config, flavour, signal);
  const ready: Batch[] = [];
  let taken = Promise.withResolvers<boolean>();
  let arrived = Promise.withResolvers<void>();
  const give = async (batch: Batch): Promise<boolean> => {
    ready.push(batch);
    arrived.resolve();
    return await taken.promise;
  };
  const sql = `SELECT ${selectedColumns(table)} FROM ${quoteTable(table)}`;
  let isDone = false;
  const reading = reader.read(sql, rowCells(table, zeroDates), give, signal).finally(() => {
    isDone = true;
    arrived.resolve();
  });
  reading.catch(() => {});
  try {
    for (;;) {
      const batch = ready.shift();
      if (batch !== undefined) {
        yield batch;
        const before = taken;
        taken = Promise.withResolvers();
        before.resolve(true);
      } else if (isDone) {
        await reading;
        return;
      } else {
        await arrived.promise;
        arrived = Promise.withResolvers();
      }
    }
  } finally {
    taken.resolve(false);
  }
}
