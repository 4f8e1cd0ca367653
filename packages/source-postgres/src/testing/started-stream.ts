import type { Batch, Table } from '@weir/sdk';
import { ManualClock } from '@weir/testkit';
import { expect } from 'vitest';
import { ChangeStream } from '../stream/change-stream.ts';
import type { ChangeStreamOptions } from '../stream/change-stream-options.ts';
import { boundaryPosition, commitPosition } from '../position.ts';
import type { StreamHost } from '../stream/stream-host.ts';
import { WalsenderReader, type WalsenderReaderOptions } from '../stream/walsender-reader.ts';
import { FakeWalsender } from './fake-walsender.ts';

/** Where the streams of the tests start. */
export const FROM: bigint = 1000n;
/** The table of the fake server. */
export const items: Table = {
  namespace: 'public',
  name: 'items',
  version: 1,
  columns: [{ name: 'id', type: { kind: 'int', bits: 32 }, nullable: false, sourceType: 'integer' }],
  key: [0],
};

/** Knows every table, as `items`. */
export const knowing: Pick<StreamHost, 'relation' | 'knows' | 'learn'> = {
  relation: () => ({ table: items, rewrites: [null], skip: false }),
  knows: () => true,
  learn: async () => await Promise.resolve([]),
};

export interface Setting {
  readonly server: FakeWalsender;
  readonly clock: ManualClock;
  readonly stream: ChangeStream;
  readonly batches: AsyncGenerator<Batch>;
  /** The next batch, if it comes without time going by; else null, and it is still waited for. */
  readonly next: () => Promise<Batch | null>;
}

type Changes = Partial<Omit<ChangeStreamOptions, 'reader'> & Pick<WalsenderReaderOptions, 'publications' | 'protocol' | 'reconnect'>>;

/** A stream that has asked for its slot. */
export async function started(changes: Changes = {}): Promise<Setting> {
  const server = new FakeWalsender();
  const clock = new ManualClock();
  const { publications = ['weir_shop'], protocol = { version: 1, streaming: false }, reconnect, ...others } = changes;
  const again = reconnect === undefined ? {} : { reconnect };
  const stream = new ChangeStream({
    reader: new WalsenderReader({ wire: server.wire, ...again, clock, slot: 'weir_shop', publications, protocol }),
    clock,
    from: FROM,
    host: {
      ...knowing,
      begin: ({ commitLsn }) => ({
        position: commitPosition(0, commitLsn),
        version: commitLsn,
        time: 0,
        transactionId: '7',
      }),
    },
    checkpoint: (endLsn) => ({ position: boundaryPosition(0, endLsn), state: null }),
    ...others,
  });
  const batches = stream.batches(new AbortController().signal);
  let pending: Promise<IteratorResult<Batch, void>> | null = null;
  const next = async (): Promise<Batch | null> => {
    pending ??= batches.next() as Promise<IteratorResult<Batch, void>>;
    const result = await Promise.race([pending, clock.settle().then(() => null)]);
    if (result === null) return null;
    pending = null;
    return result.done === true ? null : result.value;
  };
  expect(await next()).toBeNull();
  return { server, clock, stream, batches, next };
}

/** The position of a boundary. */
export const at = (lsn: bigint): string => boundaryPosition(0, lsn);
