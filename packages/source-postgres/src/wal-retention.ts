import { query } from '@weir/postgres';
import { WeirError, toWeirError, type ConnectorContext } from '@weir/sdk';
import type { PostgresConfig } from './config.ts';
import type { SharedConnection } from './shared-connection.ts';
import { dropSql } from './slot.ts';

/** How often the server is asked how much log the slot keeps, in ms. */
const LOOK_MS = 2_000;
/** A warning about the same is given at most so often, in ms. */
const WARN_MS = 60_000;
/** How often it is tried to drop a slot that the server has not let go of yet, and how long is waited between, in ms. */
const DROP_TRIES = 10;
const DROP_AGAIN_MS = 500;

export interface WalRetentionOptions {
  readonly config: Pick<PostgresConfig, 'max_retained_wal' | 'on_exceed'>;
  readonly context: ConnectorContext;
  readonly control: SharedConnection;
  readonly slot: string;
  /** Ends whatever reads the slot; resolves when the server has let go of it. */
  readonly letGo: () => Promise<void>;
}

/**
 * Watches how much log the slot keeps the server from removing, while tables are copied too, and does what `on_exceed` says
 * when it is too much. It does not wait for who pulls: a sink that hangs is just when the log grows.
 */
export class WalRetention {
  readonly #options: WalRetentionOptions;
  readonly #exceeded = new AbortController();
  #bytes: number | null = null;
  #failure: WeirError | null = null;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(options: WalRetentionOptions) {
    this.#options = options;
  }

  /** Bytes of log that the slot kept at the last look. */
  get bytes(): number | null {
    return this.#bytes;
  }

  /** Aborted when the session has to end; `failure` says why. */
  get exceeded(): AbortSignal {
    return this.#exceeded.signal;
  }

  get failure(): WeirError | null {
    return this.#failure;
  }

  async watch(ending: AbortSignal): Promise<void> {
    const { clock } = this.#options.context;
    while (!ending.aborted && this.#failure === null) {
      // A connection that is lost is noticed, and told, by those who need it.
      await this.look(ending).catch(() => {});
      await clock.sleep(LOOK_MS, ending).catch(() => {});
    }
  }

  /** Looks once. */
  async look(ending: AbortSignal): Promise<void> {
    const { config, control, slot } = this.#options;
    const sql = `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS bytes FROM pg_replication_slots WHERE slot_name = $1`;
    const [row] = await control.use(async (client) => await query(client, sql, [slot]));
    const bytes = row?.['bytes'];
    this.#bytes = bytes == null ? null : Math.max(0, Number(bytes));
    const { max_retained_wal: limit, on_exceed } = config;
    if (limit === null || this.#bytes === null || this.#bytes <= limit) return;
    if (on_exceed === 'alert') this.#warn(limit);
    else await this.#stop(limit, ending);
  }

  #warn(limit: number): void {
    const { context, slot } = this.#options;
    const now = context.clock.now();
    if (now - this.#warnedAt < WARN_MS) return;
    this.#warnedAt = now;
    const fields = { pipeline: context.pipeline, code: 'WEIR_PG_RETAINED_WAL', slot, retainedBytes: this.#bytes, limit };
    context.log.warn(fields, this.#message(limit));
  }

  #message(limit: number): string {
    return `replication slot ${this.#options.slot} keeps ${this.#bytes} bytes of log at the server; max_retained_wal is ${limit}`;
  }

  async #stop(limit: number, ending: AbortSignal): Promise<void> {
    const { config, letGo } = this.#options;
    const message = this.#message(limit);
    if (config.on_exceed === 'stop') {
      this.#fail(new WeirError('WEIR_PG_RETAINED_WAL', message, { path: 'max_retained_wal' }));
      return;
    }
    const dropped = new WeirError('WEIR_PG_SLOT_DROPPED', `${message}, so it was dropped`, { path: 'on_exceed' });
    this.#fail(dropped);
    await letGo();
    await this.#drop(ending).catch((error: unknown) => {
      const fix = dropSql(this.#options.slot);
      const what = `${message}, and it could not be dropped: ${toWeirError(error).message}`;
      this.#failure = new WeirError('WEIR_PG_RETAINED_WAL', what, { fix, path: 'on_exceed' });
    });
  }

  #fail(failure: WeirError): void {
    this.#failure = failure;
    this.#exceeded.abort(failure);
  }

  async #drop(ending: AbortSignal): Promise<void> {
    const { context, control, slot } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await control.use(async (client) => await query(client, 'SELECT pg_drop_replication_slot($1)', [slot]));
        context.log.warn({ pipeline: context.pipeline, code: 'WEIR_PG_SLOT_DROPPED', slot }, this.#failure!.message);
        return;
      } catch (error) {
        if (attempt === DROP_TRIES || toWeirError(error).code !== 'WEIR_PG_SLOT_IN_USE') throw error;
        await context.clock.sleep(DROP_AGAIN_MS, ending);
      }
    }
  }
}
