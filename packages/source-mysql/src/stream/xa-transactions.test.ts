import { readdir } from 'node:fs/promises';
import type { LogPosition, XaStep } from '@weir/binlog';
import { BatchWriter } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { boundaryPosition } from '../position.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { fingerprints, rowsEvent, tableMapEvent } from '../testing/xa-events.ts';
import { PreparedTransactions, type XaLimits } from '../xa/prepared-transactions.ts';
import { XaTransactions } from './xa-transactions.ts';

/** XA transactions of one stream, whose steps come one behind the other. */
class Stream {
  readonly prepared: PreparedTransactions;
  readonly xa: XaTransactions;
  readonly ended: number[] = [];
  missed = 0;
  /** Steps up to here were delivered before. */
  past = 0;
  readonly #writer = new BatchWriter();
  #offset = 0;

  constructor(folder: string | null, limits?: XaLimits) {
    this.prepared = new PreparedTransactions({ prepared: [], folder, ...(limits === undefined ? {} : { limits }) });
    this.xa = new XaTransactions({
      writer: this.#writer,
      prepared: this.prepared,
      isCaptured: ({ name }) => name === 'items',
      isPast: (_gtid, { offset }) => offset <= this.past,
      positionOf: (end) => boundaryPosition(0, end),
      ended: (_gtid, end) => this.ended.push(end.offset),
      missed: () => this.missed++,
    });
  }

  step(xid: string): XaStep {
    return { xid, gtid: null, end: this.#place() };
  }

  /** @returns fingerprints of its events */
  async begin(xid: string, table: string, ...rows: Buffer[]): Promise<string[]> {
    const events = [tableMapEvent('shop', table), ...rows];
    this.step(xid);
    this.xa.start();
    for (const event of events) {
      const start = this.#writer.append(event);
      this.xa.keep(start, this.#writer.used);
      await this.due();
    }
    return await fingerprints(events);
  }

  async prepare(xid: string): Promise<void> {
    this.xa.prepare(this.step(xid));
    await this.due();
  }

  async due(): Promise<void> {
    if (this.xa.isDue) await this.xa.carryOut();
    expect(this.xa.isDue).toBe(false);
  }

  /** @returns fingerprints of what is replayed */
  async commit(xid: string): Promise<string[]> {
    this.xa.commit(this.step(xid));
    const { replay } = this.xa;
    this.xa.replay = null;
    const events = await fingerprints(replay!);
    this.xa.replayed();
    await this.due();
    return events;
  }

  #place(): LogPosition {
    return { file: 'binlog.000001', offset: ++this.#offset };
  }
}

const row = rowsEvent(Buffer.from('row'));
const large = rowsEvent(Buffer.alloc(3 << 20, 'x'));

describe('an XA transaction', () => {
  it('of two phases is replayed at its COMMIT, and is in doubt from its PREPARE on', async () => {
    await using folder = await temporaryFolder();
    await using stream = disposing(new Stream(folder.path));
    const events = await stream.begin('a', 'items', row, large, row);
    expect(stream.prepared.state).toBeUndefined();
    await stream.prepare('a');
    expect(stream.prepared.state).toMatchObject([{ xid: 'a', file: { bytes: tableMapEvent('shop', 'items').length + 2 * row.length + large.length } }]);
    expect(stream.ended).toEqual([2]);
    expect(await stream.begin('b', 'items', row)).toHaveLength(2);
    await stream.prepare('b');
    expect(await stream.commit('a')).toEqual(events);
    expect(stream.prepared.state).toMatchObject([{ xid: 'b' }]);
    expect(stream.xa.committed).toEqual([{ xid: 'a', end: { file: 'binlog.000001', offset: 5 } }]);
    // Of the same name again: what was before is done with.
    await stream.begin('a', 'items', row);
    await stream.prepare('a');
    expect(stream.xa.committed).toEqual([]);
    expect(stream.missed).toBe(0);
  });

  it('is in doubt as long as its replay goes on', async () => {
    await using folder = await temporaryFolder();
    await using stream = disposing(new Stream(folder.path));
    await stream.begin('a', 'items', row);
    await stream.prepare('a');
    stream.xa.commit(stream.step('a'));
    expect(stream.prepared.state).toMatchObject([{ xid: 'a' }]);
    stream.xa.replayed();
    expect(stream.prepared.state).toBeUndefined();
  });

  it('of one phase is replayed at once, also where it does not fit into memory, and leaves nothing', async () => {
    await using folder = await temporaryFolder();
    await using stream = disposing(new Stream(folder.path));
    for (const rows of [[row], [large, row]]) {
      const events = await stream.begin('a', 'items', ...rows);
      expect(await stream.commit('a')).toEqual(events);
    }
    expect(await readdir(folder.path)).toEqual([]);
    expect(stream.xa.committed).toEqual([]);
    expect(stream.missed).toBe(0);
  });

  it('that is rolled back is forgotten, prepared or not', async () => {
    await using folder = await temporaryFolder();
    await using stream = disposing(new Stream(folder.path));
    await stream.begin('a', 'items', row);
    await stream.prepare('a');
    stream.xa.rollback(stream.step('a'));
    await stream.begin('b', 'items', large);
    expect(await readdir(folder.path)).toHaveLength(2);
    stream.xa.rollback(stream.step('b'));
    await stream.due();
    expect(stream.prepared.state).toBeUndefined();
    // The file of what was prepared waits for a checkpoint to be confirmed.
    expect(await readdir(folder.path)).toHaveLength(1);
    expect(stream.ended).toEqual([2, 3, 5]);
  });

  it('of tables that nobody captures has no file, and nothing to replay', async () => {
    await using folder = await temporaryFolder();
    for (const path of [folder.path, null]) {
      await using stream = disposing(new Stream(path, { transactions: 10, bytes: 100 }));
      await stream.begin('a', 'other', row, large, large);
      await stream.prepare('a');
      expect(stream.prepared.state).toEqual([{ xid: 'a' }]);
      expect(await stream.commit('a')).toEqual([]);
      expect(stream.missed).toBe(0);
    }
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('that was prepared before the log was read is one that was missed, unless its COMMIT was delivered before', async () => {
    await using stream = disposing(new Stream(null));
    expect(await stream.commit('a')).toEqual([]);
    expect(stream.missed).toBe(1);
    expect(stream.xa.committed).toMatchObject([{ xid: 'a' }]);
    stream.past = 100;
    expect(await stream.commit('b')).toEqual([]);
    expect(stream.missed).toBe(1);
  });

  it('that was prepared in what was delivered before is not in doubt again', async () => {
    await using folder = await temporaryFolder();
    await using stream = disposing(new Stream(folder.path));
    stream.past = 100;
    await stream.begin('a', 'items', row);
    await stream.prepare('a');
    expect(stream.prepared.state).toBeUndefined();
    expect(stream.ended).toEqual([2]);
  });

  it('is refused beyond what may be in doubt, in bytes (invariant 8)', async () => {
    await using folder = await temporaryFolder();
    await using stream = disposing(new Stream(folder.path, { transactions: 10, bytes: 200 }));
    await stream.begin('a', 'items', row);
    await stream.prepare('a');
    await expect(stream.begin('b', 'items', rowsEvent(Buffer.alloc(100)))).rejects.toMatchObject({ code: 'WEIR_MYSQL_XA_LIMIT', table: 'shop.items' });
    // Too large already when it comes to a table that is captured.
    await stream.begin('c', 'other', rowsEvent(Buffer.alloc(300)));
    await expect(stream.begin('d', 'items', rowsEvent(Buffer.alloc(300)))).rejects.toMatchObject({ code: 'WEIR_MYSQL_XA_LIMIT' });
  });

  it('of a captured table is refused at its PREPARE where there is no folder', async () => {
    await using stream = disposing(new Stream(null));
    await stream.begin('a', 'items', row);
    expect(() => stream.xa.prepare(stream.step('a'))).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_UNSUPPORTED', table: 'shop.items' }) as Error);
  });

  it('of a captured table has room in memory only where there is no folder (invariant 8)', async () => {
    await using stream = disposing(new Stream(null));
    const rows = Array.from({ length: 22 }, () => large);
    await expect(stream.begin('a', 'items', ...rows)).rejects.toMatchObject({ code: 'WEIR_BINLOG_UNSUPPORTED', table: 'shop.items' });
  });
});

/** Disposes what a stream has open when the test ends. */
function disposing(stream: Stream): Stream & AsyncDisposable {
  return Object.assign(stream, { [Symbol.asyncDispose]: async () => await stream.xa[Symbol.asyncDispose]() });
}
