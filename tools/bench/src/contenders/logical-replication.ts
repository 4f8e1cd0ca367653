// Reads a backlog with pg-logical-replication and its parser of pgoutput, and counts inserts and commits until the last one.
import { LogicalReplicationService, PgoutputPlugin } from 'pg-logical-replication';
import { readOrder, timed } from '../told.ts';

const { url, slot, publication, rows } = await readOrder();
await timed(async () => {
  const service = new LogicalReplicationService({ connectionString: url }, { acknowledge: { auto: false, timeoutSeconds: 0 } });
  let inserts = 0;
  await new Promise<void>((resolve, reject) => {
    service.on('error', reject);
    service.on('data', (_lsn: string, message: { tag: string }) => {
      if (message.tag === 'insert') inserts++;
      else if (message.tag === 'commit' && inserts >= rows) resolve();
    });
    service.subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: [publication] }), slot).catch(reject);
  });
  await service.destroy();
  return inserts;
});
