import { closeClient, connect, cutOnAbort, query, Wire } from '@weir/postgres';
import { parseLsn } from '@weir/pgoutput';
import { toWeirError, type ConnectorContext } from '@weir/sdk';
import type pg from 'pg';
import type { PostgresConfig } from '../config.ts';
import { FAILOVER_SLOTS } from '../server-version.ts';
import type { SharedConnection } from '../shared-connection.ts';
import { findSlot } from '../slot.ts';
import type { LogReader } from '../stream/log-reader.ts';
import { newestProtocol } from '../stream/stream-protocol.ts';
import { WalsenderReader } from '../stream/walsender-reader.ts';
import { CatchUpReader, type Ending } from './catch-up-reader.ts';
import { SlotCopy } from './slot-copy.ts';

export interface LogReadersOptions {
  readonly config: PostgresConfig;
  readonly context: ConnectorContext;
  readonly control: SharedConnection;
  readonly slot: string;
  /** `server_version_num` */
  readonly version: number;
}

/** What is to be read. */
export interface LogWanted {
  readonly from: bigint;
  /** What the server may forget already. */
  readonly confirmed: bigint;
  readonly publications: readonly string[];
  /** May be read past the WAL sender. */
  readonly mayCatchUp: boolean;
  /** Aborted when the connection is of no more use. */
  readonly signal: AbortSignal;
  /** What a reader has is at its end; another one goes on from there. */
  readonly ended: () => void;
}

/** A quarter of the distance from which on it is caught up: so the two ways do not take turns. */
const NEAR_SHARE = 4n;

/** How much log goes by before it is tried again where it was not possible, in bytes. */
const AGAIN_BYTES = 64n << 20n;

/** Decides how the log of a slot is read: by the WAL sender, or past it where the slot is far behind. */
export class LogReaders {
  readonly #options: LogReadersOptions;
  /** What lies below is left to the WAL sender: past it that could not be read. */
  #notBelow = 0n;

  constructor(options: LogReadersOptions) {
    this.#options = options;
  }

  /** Whether what lies between is better read past the WAL sender. */
  isFar(from: bigint, end: bigint): boolean {
    const { catch_up_at: threshold } = this.#options.config;
    return threshold !== null && from >= this.#notBelow && end - from >= BigInt(threshold);
  }

  async open(wanted: LogWanted): Promise<LogReader> {
    return (wanted.mayCatchUp ? await this.#catchUp(wanted) : null) ?? (await this.#stream(wanted));
  }

  async #stream({ publications, signal }: LogWanted): Promise<LogReader> {
    const { config, context, slot, version } = this.#options;
    const reconnect = async (): Promise<Wire> => {
      const wire = new Wire(await connect(config, signal, { replication: true }), { gathers: true });
      if (signal.aborted) await wire[Symbol.asyncDispose]();
      return wire;
    };
    const wire = await reconnect();
    return new WalsenderReader({ wire, reconnect, clock: context.clock, slot, publications, protocol: newestProtocol(version) });
  }

  /** Null where it is not far, or not possible. */
  async #catchUp({ from, confirmed, publications, signal, ended }: LogWanted): Promise<LogReader | null> {
    const { config, context, control, slot, version } = this.#options;
    if (config.catch_up_at === null) return null;
    const end = await control.use(async (client) => await logEnd(client));
    if (!this.isFar(from, end) || !(await this.#isAllowed())) return null;
    let client: pg.Client | null = null;
    try {
      client = await connect(config, signal);
      using _ = cutOnAbort(client, signal);
      const copy = await SlotCopy.make(client, control, slot, from);
      this.#log(`reading ${end - from} bytes of log past the WAL sender`);
      const reader = new CatchUpReader({
        wire: new Wire(client),
        slot: copy,
        clock: context.clock,
        publications,
        version: newestProtocol(version).version,
        near: BigInt(config.catch_up_at) === 0n ? 0n : BigInt(config.catch_up_at) / NEAR_SHARE + 1n,
        from: confirmed,
        ended: (ending) => {
          this.#ended(ending);
          ended();
        },
      });
      if (signal.aborted) await reader[Symbol.asyncDispose]();
      return reader;
    } catch (error) {
      if (client !== null) await closeClient(client);
      signal.throwIfAborted();
      this.#ended({ why: toWeirError(error).message, end });
      return null;
    }
  }

  /** A slot that standbys have a copy of gives nothing that they lack; a copy of it would. */
  async #isAllowed(): Promise<boolean> {
    const { control, slot, version } = this.#options;
    if (version < FAILOVER_SLOTS) return true;
    return await control.use(async (client) => {
      const [row] = await query(client, 'SHOW synchronized_standby_slots');
      return row!['synchronized_standby_slots'] === '' || (await findSlot(client, slot))?.failover !== true;
    });
  }

  #ended(ending: Ending): void {
    if (ending === 'caught up') return this.#log('caught up: the WAL sender goes on');
    this.#notBelow = ending.end + AGAIN_BYTES;
    this.#log(`the WAL sender goes on with what is far behind: ${ending.why}`);
  }

  #log(message: string): void {
    const { context, slot } = this.#options;
    context.log.info({ pipeline: context.pipeline, slot }, message);
  }
}

async function logEnd(client: pg.Client): Promise<bigint> {
  const [row] = await query(client, 'SELECT pg_current_wal_flush_lsn() AS lsn');
  return parseLsn(row!['lsn']!);
}
