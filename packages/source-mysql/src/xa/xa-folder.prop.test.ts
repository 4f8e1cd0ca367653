import { appendFile, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { boundary, fingerprints, rowsEvent, tableMapEvent } from '../testing/xa-events.ts';
import { KeptEvents, MEMORY_BYTES } from './kept-events.ts';
import type { XaFile } from './xa-file.ts';
import { XaFolder } from './xa-folder.ts';

const parameters = { seed: testSeed, numRuns: 60 };

/** Sizes of events: mostly small ones, some larger than what is read at once, some larger than what is kept in memory. */
const events = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 8, arbitrary: fc.nat(3000) }, { weight: 2, arbitrary: fc.nat(600_000) }, { weight: 1, arbitrary: fc.nat(2_500_000) }),
      fc.nat(255),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((sizes) => sizes.map(([size, byte]) => rowsEvent(Buffer.alloc(size, byte))));

/** Keeps events as a stream does, and makes them a file. */
async function published(folder: XaFolder, kept: readonly Buffer[], position = boundary(1)): Promise<XaFile> {
  await using keeping = new KeptEvents(folder);
  for (const event of kept) {
    keeping.keep(event, () => false);
    if (keeping.overflows) await keeping.spill();
  }
  return await keeping.publish(position);
}

const missing = expect.objectContaining({ code: 'WEIR_MYSQL_XA_FILE' }) as Error;

describe('the events of an XA transaction', () => {
  it('come out of their file as they were kept, at whatever size, and memory holds few of them (invariant 8)', async () => {
    await using place = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(events, async (kept) => {
        const folder = new XaFolder(join(place.path, 'shop', 'xa'));
        await using keeping = new KeptEvents(folder);
        for (const event of kept) {
          keeping.keep(event, () => false);
          if (keeping.overflows) await keeping.spill();
          expect(keeping.memory).toBeLessThanOrEqual(MEMORY_BYTES);
        }
        const file = await keeping.publish(boundary(1));
        expect(file).toMatchObject({ name: `${boundary(1)}.xa`, bytes: kept.reduce((sum, { length }) => sum + length, 0) });
        expect(await fingerprints(folder.events(file))).toEqual(await fingerprints(kept));
        expect(await readdir(join(place.path, 'shop', 'xa'))).toEqual([file.name]);
      }),
      parameters,
    );
  });

  it('are refused where any byte of their file is another, and where it is longer, shorter, or gone', async () => {
    await using place = await temporaryFolder();
    const folder = new XaFolder(place.path);
    const small = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(small, fc.nat(), fc.integer({ min: 1, max: 255 }), async (bodies, at, flip) => {
        const file = await published(folder, bodies.map(rowsEvent));
        const path = join(place.path, file.name);
        const whole = await readFile(path);
        await folder.check(file);
        const other = Buffer.from(whole);
        other[at % whole.length]! ^= flip;
        await writeFile(path, other);
        await expect(folder.check(file)).rejects.toEqual(missing);
        await writeFile(path, whole);
        await appendFile(path, 'x');
        await expect(folder.check(file)).rejects.toEqual(missing);
        await truncate(path, at % whole.length);
        await expect(folder.check(file)).rejects.toEqual(missing);
        await rm(path);
        await expect(folder.check(file)).rejects.toEqual(missing);
      }),
      parameters,
    );
  });

  it('of one phase are read from memory and from what was spilled, and leave nothing', async () => {
    await using place = await temporaryFolder();
    const kept = [300, 2_000_000, 20, 30].map((size, index) => rowsEvent(Buffer.alloc(size, index)));
    {
      await using keeping = new KeptEvents(new XaFolder(place.path));
      for (const event of kept) {
        keeping.keep(event, () => false);
        if (keeping.overflows) await keeping.spill();
      }
      expect(await readdir(place.path)).toHaveLength(1);
      expect(await fingerprints(keeping.events())).toEqual(await fingerprints(kept));
    }
    expect(await readdir(place.path)).toEqual([]);
  });

  it('say which captured table was changed first', () => {
    const keeping = new KeptEvents(null);
    for (const table of ['other', 'items', 'orders']) keeping.keep(tableMapEvent('shop', table), ({ name }) => name !== 'other');
    expect(keeping.captured).toEqual({ namespace: 'shop', name: 'items' });
  });
});

describe('the folder of XA transactions', () => {
  it('is for its user alone', async () => {
    await using place = await temporaryFolder();
    const file = await published(new XaFolder(join(place.path, 'xa')), [rowsEvent(Buffer.alloc(10))]);
    expect((await stat(join(place.path, 'xa'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(place.path, 'xa', file.name))).mode & 0o777).toBe(0o600);
  });

  it('has the same file again when the log is read again', async () => {
    await using place = await temporaryFolder();
    const first = await published(new XaFolder(place.path), [rowsEvent(Buffer.from('one')), rowsEvent(Buffer.from('two'))]);
    expect(await published(new XaFolder(place.path), [rowsEvent(Buffer.from('one')), rowsEvent(Buffer.from('two'))])).toEqual(first);
    expect(await readdir(place.path)).toEqual([first.name]);
  });

  it('loses what was never whole, and only what no checkpoint can need', async () => {
    await using place = await temporaryFolder();
    await writeFile(join(place.path, 'left.part'), 'half');
    const folder = new XaFolder(place.path);
    const [first, second, third] = [await published(folder, [rowsEvent(Buffer.alloc(1))], boundary(1)), await published(folder, [rowsEvent(Buffer.alloc(2))], boundary(2)), await published(folder, [rowsEvent(Buffer.alloc(3))], boundary(3))];
    await folder.removeParts();
    await folder.confirmed(boundary(2), new Set([first.name]));
    expect((await readdir(place.path)).toSorted()).toEqual([first.name, third.name]);
    await expect(folder.check(second)).rejects.toMatchObject({ message: expect.stringContaining('is not there') as string });
    await new XaFolder(place.path).confirmed(boundary(9), new Set());
    expect(await readdir(place.path)).toEqual([]);
  });

  it('that cannot be written is said with its name', async () => {
    await using place = await temporaryFolder();
    await writeFile(join(place.path, 'shop'), 'no folder');
    const work = published(new XaFolder(join(place.path, 'shop', 'xa')), [rowsEvent(Buffer.from('secret'))]);
    await expect(work).rejects.toMatchObject({ code: 'WEIR_MYSQL_XA_WRITE', message: `an XA transaction cannot be kept in ${place.path}/shop/xa: ENOTDIR` });
  });
});
