import { EventType, TYPE_OFFSET } from '@weir/binlog';
import type { ConnectionConfig } from '@weir/mysql';
import { BatchWriter, WeirError } from '@weir/sdk';
import type { Flavour } from './checkpoint-state.ts';
import { BinlogConnection } from './stream/binlog-connection.ts';
import { FIRST_EVENT } from './stream/dump-request.ts';
import { EventStream } from './stream/event-stream.ts';
import type { ReplicaIdentity } from './stream/replica-identity.ts';

/** The connection is cut after the second event, and the server notices that at its next heartbeat, in ms. */
const HEARTBEAT_MS = 1_000;

/**
 * When the server began a file of its log, in seconds since 1970 by its clock: the time of the file's first event. No statement
 * says it, so the file is asked for from its start, and the connection cut behind that event.
 * @param identity as who it is asked; a stream with the same ends
 * @returns null when the server has no such file, or has removed it
 * @throws WeirError what `BinlogConnection.open` and the stream throw; the signal's reason
 */
export async function readLogFileTime(
  config: ConnectionConfig,
  { flavour, identity, file }: { readonly flavour: Flavour; readonly identity: ReplicaIdentity; readonly file: string },
  signal: AbortSignal,
): Promise<number | null> {
  const start = { file, offset: FIRST_EVENT };
  const writer = new BatchWriter();
  const connection = await BinlogConnection.open(config, { flavour, identity, start, heartbeatMs: HEARTBEAT_MS }, signal);
  await using events = new EventStream(connection, writer);
  try {
    for (;;) {
      while (events.next()) {
        const { data } = writer;
        if (data[events.start + TYPE_OFFSET] === EventType.formatDescription) return Buffer.from(data.buffer, data.byteOffset).readUInt32LE(events.start);
      }
      await events.more(signal);
    }
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_MYSQL_LOG_PURGED') return null;
    throw error;
  }
}
