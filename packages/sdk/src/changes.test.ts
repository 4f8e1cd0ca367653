import { describe, expect, test } from 'vitest';
import { BatchBuilder, unchanged } from './batch-builder.ts';
import { emptyBatch, type Batch } from './batch.ts';
import { parseToken } from './change-token.ts';
import { Changes, type Change } from './changes.ts';
import type { Checkpoint } from './position.ts';
import type { Source, SourceSession } from './source.ts';
import type { Table } from './table.ts';
import { packVersion } from './version.ts';

const orders: Table = {
  namespace: 'public',
  name: 'orders',
  version: 1,
  key: [0],
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'bigint' },
    { name: 'paid', type: { kind: 'bool' }, nullable: true, sourceType: 'boolean' },
    { name: 'total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sourceType: 'numeric(12,2)' },
    { name: 'items', type: { kind: 'int', bits: 32 }, nullable: true, sourceType: 'integer' },
    { name: 'scan', type: { kind: 'bytes' }, nullable: true, sourceType: 'bytea' },
    { name: 'note', type: { kind: 'string' }, nullable: true, sourceType: 'text' },
  ],
};

function boundary(transaction: number): Checkpoint {
  return { position: `${String(transaction).padStart(4, '0')}.9`, state: { transaction } };
}

function begin(builder: BatchBuilder, transaction: number): BatchBuilder {
  const position = `${String(transaction).padStart(4, '0')}.1`;
  const version = packVersion(0, BigInt(transaction));
  return builder.begin({ position, version, time: 1_000_000, transactionId: String(transaction) });
}

/** Keeps everything; a session gives what is behind its checkpoint, cut into batches as `cut` says. */
class LogSource implements Source {
  readonly opened: (Checkpoint | null)[] = [];
  readonly confirmed: Checkpoint[] = [];
  closed = 0;
  released = 0;
  readonly #batches: (from: Checkpoint | null) => Batch[];

  constructor(batches: (from: Checkpoint | null) => Batch[]) {
    this.#batches = batches;
  }

  async open(from: Checkpoint | null): Promise<SourceSession> {
    await Promise.resolve();
    this.opened.push(from);
    const batches = this.#batches(from).map((batch) => ({ ...batch, release: () => void this.released++ }));
    return {
      async *batches() {
        for (const batch of batches) {
          await Promise.resolve();
          yield batch;
        }
      },
      confirm: async (checkpoint) => {
        await Promise.resolve();
        this.confirmed.push(checkpoint);
      },
      finishAt() {},
      status: () => ({ phase: 'stream', snapshot: [], lagBytes: 0 }),
      [Symbol.asyncDispose]: async () => {
        await Promise.resolve();
        this.closed++;
      },
    };
  }

  head(): Promise<string> {
    return Promise.resolve('');
  }

  discover(): Promise<Table[]> {
    return Promise.resolve([orders]);
  }

  check(): Promise<[]> {
    return Promise.resolve([]);
  }

  async *scan(): AsyncGenerator<Batch> {}
}

const image = { id: 9007199254740993n, paid: true, total: '12.50', items: 3, scan: Uint8Array.of(1, 2), note: null };

/** A copy of one row, a transaction of three rows in two batches with a column added between, an idle step. */
function history(from: Checkpoint | null): Batch[] {
  const builder = new BatchBuilder();
  const wider: Table = { ...orders, version: 2, columns: [...orders.columns, { ...orders.columns[5]!, name: 'extra' }] };
  const copied = begin(builder, 1).schemaChange({ table: orders, change: 'create' }).read(orders, image).build(boundary(1));
  const first = begin(builder, 2).update(orders, { ...image, note: unchanged }, { id: 1n }).build(null);
  builder.schemaChange({ table: wider, change: 'add', column: 'extra', value: null });
  const second = builder.delete(wider, { id: 7n }).truncate(wider).build(boundary(2));
  const batches = [copied, first, second, emptyBatch(boundary(3))];
  const position = from?.position ?? '';
  return batches.slice(batches.findLastIndex(({ checkpoint }) => checkpoint !== null && checkpoint.position <= position) + 1);
}

async function read(source: Source, from: string | null = null): Promise<Change[]> {
  await using changes = new Changes(source, { from });
  const seen: Change[] = [];
  for await (const change of changes) seen.push(change);
  return seen;
}

/** What tells changes apart. */
function name(change: Change): string {
  if (change.op === 'checkpoint' || change.op === 'range') return change.op;
  return `${change.op} ${change.op === 'schema' ? change.change.change : change.ordinal}`;
}

describe('a copy by key', () => {
  /** Two batches of a copy, made anew for each start as a source does that reads them again. */
  const copy = (from: Checkpoint | null): Batch[] => {
    const builder = new BatchBuilder();
    const copied = from === null ? 1 : (from.state as { transaction: number }).transaction;
    const first = begin(builder, copied).read(orders, { ...image, id: 1n }).read(orders, { ...image, id: 2n });
    const range = { after: null, upTo: ['9007199254740993'] };
    const batches = [first.chunk(orders, { range, last: false }).build(boundary(copied))];
    begin(builder, copied + 1).chunk(orders, { range: { after: range.upTo, upTo: null }, last: true });
    return [...batches, builder.build(boundary(copied + 1))];
  };

  test('says which keys it reads before their rows, typed as they are', async () => {
    const seen = await read(new LogSource(copy));
    expect(seen.map(name)).toEqual(['range', 'read 1', 'read 2', 'range']);
    expect(seen[0]).toMatchObject({ table: 'public.orders', after: null, upTo: { id: 9007199254740993n } });
    expect(seen[3]).toMatchObject({ after: { id: 9007199254740993n }, upTo: null });
  });

  test('that is killed among the rows of a range gives that range whole once more', async () => {
    const seen = await read(new LogSource(copy));
    for (const { token } of seen.slice(0, 2)) {
      // The source may read it at the same place, or at another.
      for (const place of [1, 3]) {
        const token2 = token.replace(/null,null\]$/, JSON.stringify([boundary(0).position, null]).slice(1));
        const rest = await read(new LogSource(() => copy(boundary(place))), token2);
        expect(rest.map(name)).toEqual(['range', 'read 1', 'read 2', 'range']);
      }
    }
  });
});

describe('changes', () => {
  test('come in order, as plain objects that lose nothing (invariant 9)', async () => {
    const seen = await read(new LogSource(history));
    const names = ['schema create', 'read 1', 'update 1', 'schema add', 'delete 2', 'truncate 3', 'checkpoint'];
    expect(seen.map(name)).toEqual(names);
    expect(seen[1]).toMatchObject({ table: 'public.orders', after: { ...image, items: 3, total: '12.50' } });
    const update = seen[2] as Change & { op: 'update' };
    expect(update.unchanged).toEqual(['note']);
    expect('note' in update.after).toBe(false);
    expect(update.before).toMatchObject({ id: 1n });
    expect(update.commit.time).toBe(1_000_000);
    expect((seen[4] as Change & { op: 'delete' }).before).toMatchObject({ id: 7n });
  });

  test('go on behind any of them with exactly the rest, and nothing twice (invariant 3)', async () => {
    const all = await read(new LogSource(history));
    for (const [index, { token }] of all.entries()) {
      const source = new LogSource(history);
      const rest = await read(source, token);
      const expected = parseToken(token).checkpoint === null ? all : all.slice(index + 1);
      expect(rest.map(name), `behind ${name(all[index]!)}`).toEqual(expected.map(name));
    }
  });

  test('are confirmed by the checkpoint before them, never by one that is ahead (invariant 1)', async () => {
    const source = new LogSource(history);
    await using changes = new Changes(source);
    for await (const change of changes) await changes.confirm(change.token);
    expect(source.confirmed.map(({ position }) => position)).toEqual([
      boundary(1).position,
      boundary(1).position,
      boundary(1).position,
      boundary(1).position,
      boundary(2).position,
      boundary(3).position,
    ]);
  });

  test('give their batches back and close the source, also when the loop is left early', async () => {
    const source = new LogSource(history);
    {
      await using changes = new Changes(source);
      for await (const change of changes) if (change.op === 'update') break;
    }
    expect(source.released).toBe(2);
    expect(source.closed).toBe(1);
  });

  test('end quietly when they are told to, also while the source is being opened', async () => {
    const stop = new AbortController();
    const source = new LogSource(history);
    source.open = async () => {
      stop.abort();
      return await Promise.reject(new Error('cut'));
    };
    await using changes = new Changes(source, { signal: stop.signal });
    for await (const change of changes) expect(change).toBe('none');
    expect(stop.signal.aborted).toBe(true);
  });

  test('refuse what is no token, and a second iteration', async () => {
    expect(() => new Changes(new LogSource(history), { from: 'yesterday' })).toThrow(
      expect.objectContaining({ code: 'WEIR_SDK_USE' }),
    );
    await using changes = new Changes(new LogSource(history));
    for await (const change of changes) if (change.op === 'read') break;
    await expect(changes[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'WEIR_SDK_USE' });
  });
});
