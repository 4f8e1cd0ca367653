import { WeirError, type Shard, type Sink, type SinkBase, type SinkSession } from '@weir/sdk';
import { MemorySink, type MemoryTarget } from '@weir/testkit/memory';
import type { SimMode } from './scenarios.ts';
import type { SimProcess } from './sim-process.ts';

/** A sink in memory behind a network: each of its calls takes a turn, and may go wrong. */
export class SimSink implements Pick<Sink, 'open' | 'check'> {
  readonly #inner: MemorySink;
  readonly #name: string;
  readonly #process: SimProcess;
  readonly #onOpened: () => void;

  /** @param onOpened called when a session has taken the fence */
  constructor(name: string, target: MemoryTarget, mode: SimMode, process: SimProcess, onOpened: () => void) {
    this.#inner = new MemorySink(target, mode);
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

  #remote(session: SinkSession): SinkSession {
    const base: SinkBase = {
      write: async (batch) => await this.#call('write', async () => await session.write(batch)),
      [Symbol.asyncDispose]: async () => await this.#call('dispose', async () => await session[Symbol.asyncDispose]()),
    };
    switch (session.mode) {
      case 'transactional': {
        const recover = async (): ReturnType<typeof session.recover> => await this.#call('recover', async () => await session.recover());
        const commit: typeof session.commit = async (checkpoint) => await this.#call('commit', async () => await session.commit(checkpoint));
        return { ...base, mode: session.mode, recover, commit };
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
