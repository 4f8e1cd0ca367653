import type { FileHandle } from 'node:fs/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { SpoolFile } from './spool-file.ts';

/** A file in memory on a disk with room for some bytes, which writes and reads less than it is asked to. */
const disk = vi.hoisted(() => ({ room: 0, most: 3, content: Buffer.alloc(0), closed: false, opened: [] as unknown[], unlinked: [] as unknown[] }));

vi.mock('node:fs/promises', () => ({
  open: async (...how: unknown[]) => {
    disk.opened = how;
    return await Promise.resolve({
      write: async (bytes: Uint8Array, offset: number, length: number, position: number) => {
        const bytesWritten = Math.min(length, disk.most, disk.room);
        if (bytesWritten === 0) throw Object.assign(new Error('no space left: secret'), { code: 'ENOSPC' });
        disk.room -= bytesWritten;
        const written = Buffer.from(bytes.subarray(offset, offset + bytesWritten));
        disk.content = Buffer.concat([disk.content.subarray(0, position), written]);
        return await Promise.resolve({ bytesWritten });
      },
      read: async (into: Uint8Array, offset: number, length: number, position: number) => {
        const bytes = disk.content.subarray(position, position + Math.min(length, disk.most));
        into.set(bytes, offset);
        return await Promise.resolve({ bytesRead: bytes.length });
      },
      close: async () => {
        disk.closed = true;
        await Promise.resolve();
      },
    } as unknown as FileHandle);
  },
  unlink: async (path: string) => {
    disk.unlinked.push(path);
    await Promise.resolve();
  },
}));

beforeEach(() => {
  Object.assign(disk, { room: 1000, most: 3, content: Buffer.alloc(0), closed: false, unlinked: [] });
});

async function readAll(file: SpoolFile): Promise<string> {
  let text = '';
  for await (const piece of file.read()) text += Buffer.from(piece).toString();
  return text;
}

test('a file is for its user alone, and has no name as soon as it is open', async () => {
  await SpoolFile.open('/spool');
  expect(disk.opened).toEqual([expect.stringMatching(/^\/spool\/weir-spool-[-0-9a-f]{36}$/), 'wx+', 0o600]);
  expect(disk.unlinked).toEqual([disk.opened[0]]);
});

test('short writes and short reads are gone on with', async () => {
  const file = await SpoolFile.open('/spool');
  await file.append(Buffer.from('0123456789'));
  await file.append(Buffer.from('abcdefg'));
  expect(file.size).toBe(17);
  expect(await readAll(file)).toBe('0123456789abcdefg');
  file.close();
  expect(disk.closed).toBe(true);
});

test('a full disk is a coded error; nothing that was to be written is in it (invariant 10)', async () => {
  const file = await SpoolFile.open('/spool');
  disk.room = 4;
  await expect(file.append(Buffer.from('row values'))).rejects.toMatchObject({
    code: 'WEIR_PG_SPOOL',
    message: 'a temporary file in /spool: ENOSPC',
    policy: { policy: 'retry' },
  });
});

test('a file that has lost its end is an error, not fewer rows', async () => {
  const file = await SpoolFile.open('/spool');
  await file.append(Buffer.from('0123456789'));
  disk.content = disk.content.subarray(0, 5);
  await expect(readAll(file)).rejects.toMatchObject({ code: 'WEIR_PG_SPOOL' });
});
