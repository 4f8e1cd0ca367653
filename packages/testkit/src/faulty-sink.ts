import { filterRows, type CheckResult, type Shard, type Sink, type SinkBase, type SinkSession } from '@weir/sdk';
import type { FaultScript } from './fault-script.ts';

/**
 * Any sink with things that go wrong. Its operations are `NAME.open`, `.recover`, `.write`, `.commit`, `.stage`, `.apply`,
 * `.flush`, `.stopTable` and `.dispose`.
 */
export class FaultySink implements Sink {
  readonly #inner: Sink;
  readonly #name: string;
  readonly #script: FaultScript;

  constructor(inner: Sink, name: string, script: FaultScript) {
    this.#inner = inner;
    this.#name = name;
    this.#script = script;
  }

  async open(shard: Shard, signal: AbortSignal): Promise<SinkSession> {
    return this.#faulty(await this.#perform('open', async () => await this.#inner.open(shard, signal)));
  }

  async check(signal: AbortSignal): Promise<CheckResult[]> {
    return await this.#inner.check(signal);
  }

  #faulty(session: SinkSession): SinkSession {
    switch (session.mode) {
      case 'transactional':
        return this.#onBase(session, {
          mode: session.mode,
          recover: async () => await this.#perform('recover', async () => await session.recover()),
          commit: async (checkpoint) => await this.#perform('commit', async () => await session.commit(checkpoint)),
        });
      case 'staged':
        return this.#onBase(session, {
          mode: session.mode,
          recover: async () => await this.#perform('recover', async () => await session.recover()),
          stage: async (checkpoint) => await this.#perform('stage', async () => await session.stage(checkpoint)),
          apply: async (staged) => await this.#perform('apply', async () => await session.apply(staged)),
        });
      case 'idempotent':
      case 'at-least-once':
        return this.#onBase(session, {
          mode: session.mode,
          flush: async () => await this.#perform('flush', async () => await session.flush()),
        });
    }
  }

  /** Adds what every session has. Which tables are stopped is asked of the inner session each time. */
  #onBase<Session extends SinkSession>(session: Session, own: Omit<Session, keyof SinkBase>): SinkSession {
    const base: SinkBase = {
      write: async (batch) => {
        const half = async (): Promise<void> => await session.write(filterRows(batch, (row) => row < batch.rows / 2));
        await this.#perform('write', async () => await session.write(batch), half);
      },
      [Symbol.asyncDispose]: async () => await this.#perform('dispose', async () => await session[Symbol.asyncDispose]()),
    };
    if (session.readRange !== undefined) base.readRange = (table, range) => session.readRange!(table, range);
    if (session.stopTable !== undefined) {
      Object.defineProperties(base, {
        stoppedTables: { enumerable: true, get: () => session.stoppedTables },
        stopTable: {
          enumerable: true,
          value: async (...args: Parameters<NonNullable<SinkBase['stopTable']>>) =>
            await this.#perform('stopTable', async () => await session.stopTable!(...args)),
        },
      });
    }
    return Object.assign(base, own) as unknown as SinkSession;
  }

  async #perform<T>(operation: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    return await this.#script.perform(`${this.#name}.${operation}`, work, half);
  }
}
