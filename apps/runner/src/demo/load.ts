import { setTimeout as sleep } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { SeededRandom } from './seeded-random.ts';
import { chooseTransaction, readExtent, type ShopExtent } from './shop-transactions.ts';

export interface LoadOptions {
  /** Transactions a second, all connections together. */
  readonly ratePerSecond: number;
  /** Most transactions at once; each connection has one at a time. */
  readonly connections: number;
  readonly seed: number;
  /** Told once per outage why the load pauses. */
  readonly log?: (line: string) => void;
}

export const DEFAULT_LOAD: LoadOptions = { ratePerSecond: 200, connections: 4, seed: 1 };

/** How far the schedule may fall behind; a server that was slow is not flooded afterwards. */
const MAX_BEHIND_MS = 250;
const STATEMENT_TIMEOUT_MS = 10_000;
const FIRST_BACK_OFF_MS = 100;
const MAX_BACK_OFF_MS = 5_000;

/**
 * A live shop: paced transactions on connections of its own. While the server is away it tries again with back-off, until
 * it is stopped.
 */
export class ShopLoad {
  readonly #url: string;
  readonly #options: LoadOptions;
  readonly #stopping = new AbortController();
  readonly #kinds = new Map<string, number>();
  #workers: Promise<void>[] = [];
  #shop: ShopExtent | null = null;
  #nextAt = 0;
  #transactions = 0;
  #outage = false;

  constructor(url: string, options: Partial<LoadOptions> = {}) {
    this.#url = url;
    this.#options = { ...DEFAULT_LOAD, ...options };
  }

  /** Transactions that ended, those rolled back on purpose included. */
  get transactions(): number {
    return this.#transactions;
  }

  /** The same by kind. */
  get kinds(): ReadonlyMap<string, number> {
    return this.#kinds;
  }

  /** Call it once. */
  start(): void {
    this.#nextAt = performance.now();
    this.#workers = Array.from({ length: this.#options.connections }, (_, worker) => this.#work(worker));
  }

  /** Resolves when the last transaction has ended and the connections are closed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#workers);
  }

  async #work(worker: number): Promise<void> {
    const random = new SeededRandom(this.#options.seed * 1000 + worker);
    let backOffMs = FIRST_BACK_OFF_MS;
    while (!this.#stopping.signal.aborted) {
      const before = this.#transactions;
      try {
        await this.#serve(random);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#noteOutage(error);
        backOffMs = this.#transactions > before ? FIRST_BACK_OFF_MS : Math.min(backOffMs * 2, MAX_BACK_OFF_MS);
        await this.#pause(backOffMs);
      }
    }
  }

  /** Runs transactions on one connection until the end, or until the connection is of no more use. */
  async #serve(random: SeededRandom): Promise<void> {
    const client = new Client({
      connectionString: this.#url,
      application_name: 'weir demo load',
      connectionTimeoutMillis: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
    });
    // A connection that breaks between queries; the next query then fails.
    client.on('error', () => {});
    try {
      await client.connect();
      const shop = (this.#shop ??= await readExtent(client));
      while (await this.#nextSlot()) await this.#runOne(client, random, shop);
    } finally {
      await client.end().catch(() => {});
    }
  }

  async #runOne(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
    const transaction = chooseTransaction(random);
    try {
      await transaction.run(client, random, shop);
    } catch (error) {
      if (!isConflict(error)) throw error;
      await client.query('ROLLBACK');
    }
    this.#outage = false;
    this.#transactions++;
    this.#kinds.set(transaction.name, (this.#kinds.get(transaction.name) ?? 0) + 1);
  }

  /** Waits for the next place in the schedule that all connections share; false at the end. */
  async #nextSlot(): Promise<boolean> {
    const now = performance.now();
    this.#nextAt = Math.max(this.#nextAt, now - MAX_BEHIND_MS) + 1000 / this.#options.ratePerSecond;
    if (this.#nextAt > now) await this.#pause(this.#nextAt - now);
    return !this.#stopping.signal.aborted;
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  #noteOutage(error: unknown): void {
    if (this.#outage) return;
    this.#outage = true;
    const { code } = error as { code?: string };
    this.#options.log?.(`the live load pauses and tries again: the shop does not answer (${code ?? 'no connection'})`);
  }
}

/** Deadlocks and the like (class 40), broken constraints (class 23): part of a busy shop. */
function isConflict(error: unknown): boolean {
  return error instanceof DatabaseError && /^(40|23)/.test(error.code ?? '');
}
