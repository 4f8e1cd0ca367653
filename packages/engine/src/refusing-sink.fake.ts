import { WeirError, tableName, type Batch, type Sink, type SinkSession } from '@weir/sdk';

/** The tables of a batch that a sink has to deal with: those of its changes and rows. */
function tablesOf(batch: Batch): string[] {
  const changed = batch.schemaChanges.map(({ table }) => tableName(table));
  const written = batch.tables.filter((_, index) => batch.table.subarray(0, batch.rows).includes(index));
  return [...changed, ...written.map((table) => tableName(table))];
}

/** What a sink says that cannot hold a table. */
export function refusal(table: string): WeirError {
  return new WeirError('WEIR_SINK_TYPE', `the sink cannot hold ${table}`, { table });
}

/**
 * A sink that cannot hold some tables, as a real one cannot that lacks a type: whatever is written of them is refused.
 * @param at when it finds out
 */
export function refusing(refused: ReadonlySet<string>, at: 'write' | 'commit' = 'write'): (sink: Sink) => Sink {
  return (sink) => ({
    open: async (shard, signal) => refuse(await sink.open(shard, signal), refused, at),
    check: async (signal) => await sink.check(signal),
  });
}

function refuse(session: SinkSession, refused: ReadonlySet<string>, at: 'write' | 'commit'): SinkSession {
  let found: string | undefined;
  const write = session.write.bind(session);
  session.write = async (batch) => {
    found ??= tablesOf(batch).find((table) => refused.has(table));
    if (found !== undefined && at === 'write') throw refusal(found);
    await write(batch);
  };
  if (session.mode !== 'transactional') return session;
  const commit = session.commit.bind(session);
  session.commit = async (checkpoint) => {
    if (found !== undefined) throw refusal(found);
    await commit(checkpoint);
  };
  return session;
}
