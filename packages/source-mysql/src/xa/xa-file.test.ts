import type * as fs from 'node:fs/promises';
import { readdir, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { boundary, rowsEvent } from '../testing/xa-events.ts';
import { KeptEvents } from './kept-events.ts';
import { XaFolder } from './xa-folder.ts';

/** What was asked of the disk, and what it refuses. */
const disk = vi.hoisted(() => ({ steps: [] as string[], refuses: '' }));

vi.mock('node:fs/promises', async (importActual) => {
  const actual = await importActual<typeof fs>();
  const does = (step: string): void => {
    disk.steps.push(step);
    if (disk.refuses !== '' && step.startsWith(disk.refuses)) throw Object.assign(new Error('secret'), { code: 'ENOSPC' });
  };
  const watched = (handle: FileHandle, name: string): FileHandle => {
    const [sync, writeFile] = [handle.sync.bind(handle), handle.writeFile.bind(handle)];
    handle.sync = async () => {
      does(`sync ${name}`);
      await sync();
    };
    handle.writeFile = async (...what) => {
      does(`write ${name}`);
      await writeFile(...what);
    };
    return handle;
  };
  return {
    ...actual,
    open: async (path: string, ...how: string[]) => watched(await actual.open(path, ...how), path.endsWith('.part') ? 'part' : basename(path)),
    rename: async (from: string, to: string) => {
      does(`rename to ${basename(to)}`);
      await actual.rename(from, to);
    },
  };
});

beforeEach(() => {
  Object.assign(disk, { steps: [], refuses: '' });
});

async function publish(folder: string): Promise<void> {
  await using events = new KeptEvents(new XaFolder(folder));
  events.keep(rowsEvent(Buffer.from('row')), () => true);
  await events.publish(boundary(1));
}

it('the file of an XA transaction is on the disk before it has its name, and its name before it is told (invariant 1)', async () => {
  await using place = await temporaryFolder();
  await publish(place.path);
  expect(disk.steps).toEqual(['write part', 'sync part', `rename to ${boundary(1)}.xa`, `sync ${basename(place.path)}`]);
});

it.each(['write', 'sync part', 'rename', 'sync weir'])('what the disk refuses is an error, and leaves nothing that is not whole: %s', async (refuses) => {
  await using place = await temporaryFolder();
  disk.refuses = refuses;
  await expect(publish(place.path)).rejects.toMatchObject({ code: 'WEIR_MYSQL_XA_WRITE', message: `an XA transaction cannot be kept in ${place.path}: ENOSPC` });
  expect(await readdir(place.path)).toEqual(refuses === 'sync weir' ? [`${boundary(1)}.xa`] : []);
});
