import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SeededRandom } from '../demo/seeded-random.ts';
import { AppendPipelines } from './append-pipelines.fake.ts';

/** Pipelines of one process, each with a seed. */
const TOGETHER = 10;
/** Groups of them, one after the other; `WEIR_GROUPS` asks for more. */
const GROUPS = Number(process.env['WEIR_GROUPS'] ?? 2);

const firstSeed = Number(process.env['WEIR_SEED'] ?? Date.now() % 1_000_000);
const groups = Array.from({ length: GROUPS }, (_, i) => [firstSeed + i * TOGETHER, firstSeed + (i + 1) * TOGETHER - 1] as const);

describe(`every version of every row arrives once, in order, in mode: append (seeds from ${firstSeed})`, () => {
  let server: TemporaryPostgres;
  let folder: string;
  let killsAtPoint = 0;

  beforeAll(async () => {
    const settings = { max_connections: '300', max_replication_slots: '60', max_wal_senders: '60', wal_writer_delay: '10ms' };
    server = await temporaryPostgres(settings);
    folder = await mkdtemp(join(tmpdir(), 'weir-continuity-'));
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it.for(groups)('seeds %i to %i (invariants 1 to 5 and 7)', { timeout: 240_000 }, async ([seed]) => {
    const random = new SeededRandom(seed);
    const pipelines = await AppendPipelines.create(server.url, folder, seed, TOGETHER);
    pipelines.write();
    try {
      if (await pipelines.killAnywhere(random.int(0, 3))) killsAtPoint++;
      if (await pipelines.killAnywhere(random.int(3, 9))) killsAtPoint++;
      await pipelines.killWhileCopyingAgain();
      if (await pipelines.killAnywhere(random.int(3, 9))) killsAtPoint++;
    } finally {
      await pipelines.rest();
    }
    await pipelines.catchUp();
    expect(await pipelines.expectContinuous()).toBeGreaterThan(0);
  });

  it('with kills at crash points among them', () => {
    expect(killsAtPoint).toBeGreaterThan(0);
  });
});
