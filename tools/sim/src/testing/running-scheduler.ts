import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Scheduler } from '../scheduler.ts';

/** How long somebody who is no part of a history has to begin something before time goes by, in ms. */
const IDLE_MS = 2;

/** Has a scheduler take its steps by itself, for callers that wait for what they called as for a real server. */
export class RunningScheduler implements AsyncDisposable {
  readonly #scheduler: Scheduler;
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.#running = this.#run();
    // It is thrown at the end; what waits for a step never gets there.
    this.#running.catch(() => {});
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const wasReady = await this.#scheduler.step();
      await (wasReady ? setImmediate() : sleep(IDLE_MS));
    }
  }

  /** @throws what a step has thrown */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}
