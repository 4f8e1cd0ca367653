import { WeirError, type Batch, type KeyRange, type Shard, type Sink, type SinkBase, type SinkSession, type Table } from '@weir/sdk';
import { MemorySink, type MemoryTarget } from '@weir/testkit/memory';
import type { SimMode } from './scenarios.ts';
import type { SimProcess } from './sim-process.ts';
import { appends } from './sink-rows.ts';

/** A sink in memory behind a network: each of its calls takes a turn, and may go wrong. */
export class SimSink implements Pick<Sink, 'open' | 'check'> {
  readonly #inner: MemorySink;
  readonly #name: string;
  readonly #process: SimProcess;
  readonly #onOpened: () => void;

  /** @param onOpened called when a session has taken the fence */
  constructor(name: string, target: MemoryTarget, mode: SimMode, process: SimProcess, onOpened: () => void) {
    this.#inner = mode === 'history' ? new MemorySink(target, 'transactional', appends) : new MemorySink(target, mode);
    this.#name = name;
    this.#process = process;
    this.#onOpened = onOpened;
  }

  async open(shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    return this.#remote(
      await this.#call('open', async () => {
        this.#onOpened();
        return await this.#inner.open(shard, signal);
      }),
    );
  }

  async check(): Promise<[]> {
    return [];
  }

  async #call<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return await this.#process.call(`${this.#name}.${operation}`, work);
  }

  /** What only a mirror can say. */
  #ranges(session: SinkSession): Pick<SinkBase, 'readRange'> {
    if (session.readRange === undefined) return {};
    const read = async (table: Table, range: KeyRange): Promise<Batch[]> => {
      const found: Batch[] = [];
      for await (const batch of session.readRange!(table, range)) found.push(batch);
      return found;
    };
    const call = async (table: Table, range: KeyRange): Promise<Batch[]> => await this.#call('read', async () => await read(table, range));
    return {
      readRange: async function* ranges(table, range) {
        yield* await call(table, range);
      },
    };
  }

  #remote(session: SinkSession): SinkSession {
    const base: SinkBase = {
      write: async (batch) => await this.#call('write', async () => await session.write(batch)),
      [Symbol.asyncDispose]: async () => await this.#call('dispose', async () => await session[Symbol.asyncDispose]()),
    };
    switch (session.mode) {
      case 'transactional': {
        const recover = async (): ReturnType<typeof session.recover> => await this.#call('recover', async () => await session.recover());
        const commit: typeof session.commit = async (checkpoint) => await this.#call('commit', async () => await session.commit(checkpoint));
        return { ...base, mode: session.mode, recover, commit, ...this.#ranges(session) };
      }
      case 'staged': {
        const recover = async (): ReturnType<typeof session.recover> => await this.#call('recover', async () => await session.recover());
        const stage: typeof session.stage = async (checkpoint) => await this.#call('stage', async () => await session.stage(checkpoint));
        const apply: typeof session.apply = async (staged) => await this.#call('apply', async () => await session.apply(staged));
        return { ...base, mode: session.mode, recover, stage, apply };
      }
      default:
        throw new WeirError('WEIR_SDK_USE', 'no sink of this class is simulated');
    }
  }
}
