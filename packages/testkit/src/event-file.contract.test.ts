// begin driver
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sinkContract, type ReceivedEvent } from './index.ts';
import { eventFile } from './testing/event-file.ts';

sinkContract({
  name: 'event file',
  deliveryClass: 'D',
  start: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-events-'));
    const path = join(folder, 'of the pipeline', 'events.jsonl');
    await mkdir(join(folder, 'of the pipeline'));
    return {
      sink: () => eventFile(path),
      // Where there is no folder nothing can be written.
      refuseAll: async (refuses) => {
        const names = [join(folder, 'of the pipeline'), join(folder, 'gone')];
        await rename(names[refuses ? 0 : 1]!, names[refuses ? 1 : 0]!);
      },
      received: async () => {
        const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
        return lines.map((line) => JSON.parse(line) as ReceivedEvent);
      },
      [Symbol.asyncDispose]: async () => await rm(folder, { recursive: true }),
    };
  },
});
// end
