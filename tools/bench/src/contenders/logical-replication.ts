// Reads a backlog with pg-logical-replication and its parser of pgoutput, and counts changed rows until the last
// commit.
import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication';
import { readOrder, timed } from '../told.ts';

const CHANGES = new Set(['insert', 'update', 'delete']);

const { url, slot, publication, rows } = await readOrder();
await timed(async () => {
  const service = new LogicalReplicationService({ connectionString: url }, { acknowledge: { auto: false, timeoutSeconds: 0 } });
  let changes = 0;
  await new Promise<void>((resolve, reject) => {
    service.on('error', reject);
    service.on('data', (_lsn: string, message: { tag: string }) => {
      if (CHANGES.has(message.tag)) changes++;
      else if (message.tag === 'commit' && changes >= rows) resolve();
    });
    service.subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: [publication] }), slot).catch(reject);
  });
  await service.destroy();
  return changes;
});
