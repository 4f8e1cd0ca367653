import { formatLsn, parseLsn } from '@weir/pgoutput';
import { query } from '@weir/postgres';
import { WeirError } from '@weir/sdk';
import type pg from 'pg';
import type { SharedConnection } from '../shared-connection.ts';
import { copyName } from '../slot.ts';

/** Where a slot, its copy and the log stand. */
export interface LogExtent {
  /** Where the slot itself stands. */
  readonly slot: bigint;
  /** The log is on disk up to here. */
  readonly end: bigint;
  /** Up to here the copy has given everything. */
  readonly at: bigint;
  /** From here on the server reads for the copy's next piece: the oldest transaction that was open at `at` began behind it. */
  readonly restart: bigint;
}

/** A slot, and the copy of it by which its log is read. */
export interface CopiedSlot {
  /** Name of the copy. */
  readonly copy: string;
  /** Where the slot stood when it was copied. */
  readonly place: bigint;
  /** @throws WeirError WEIR_PG_SLOT_LOST (invariant 6), WEIR_PG_SLOT_INVALIDATED */
  extent(): Promise<LogExtent>;
  /** The server may forget everything below `lsn`; a slot that is past it already stays. */
  advance(lsn: bigint): Promise<void>;
  /** Ends the piece that the server prepares. */
  endPiece(): Promise<void>;
}

/** What every session that reads pieces has. A server that sends nothing notices in time that nobody is there any more. */
const SETTINGS = "SET client_connection_check_interval = '2s'; SET work_mem = '64MB'";

/** The copy belongs to a session and ends with it; what is asked while that one reads a piece goes by another connection. */
export class SlotCopy implements CopiedSlot {
  readonly copy: string;
  readonly place: bigint;
  readonly #control: SharedConnection;
  readonly #slot: string;
  /** Server process of the session. */
  readonly #pid: number;

  private constructor(control: SharedConnection, slot: string, place: bigint, pid: number) {
    this.copy = copyName(slot);
    this.place = place;
    this.#control = control;
    this.#slot = slot;
    this.#pid = pid;
  }

  /**
   * Copies a slot for the session of `client`, and moves the copy to `from`. The slot itself stays where it is, and keeps its log.
   * @param from LSN of the checkpoint
   * @throws WeirError WEIR_PG_SLOT_ADVANCED; what the server says, when it has no room for another slot
   */
  static async make(client: pg.Client, control: SharedConnection, slot: string, from: bigint): Promise<SlotCopy> {
    await client.query(SETTINGS);
    const copy = 'SELECT lsn, pg_backend_pid() AS pid FROM pg_copy_logical_replication_slot($1, $2, true)';
    const [row] = await query(client, copy, [slot, copyName(slot)]);
    const at = parseLsn(row!['lsn']!);
    if (at > from) throw new WeirError('WEIR_PG_SLOT_ADVANCED', `replication slot ${slot} was moved past the checkpoint`);
    const made = new SlotCopy(control, slot, at, Number(row!['pid']));
    if (at === from) return made;
    await query(client, 'SELECT pg_replication_slot_advance($1, $2)', [made.copy, formatLsn(from)], { timeoutMs: null });
    return made;
  }

  async extent(): Promise<LogExtent> {
    const sql = `SELECT pg_current_wal_flush_lsn() AS end, own.confirmed_flush_lsn AS slot,
                        copy.confirmed_flush_lsn AS at, copy.restart_lsn AS restart
                   FROM pg_replication_slots own LEFT JOIN pg_replication_slots copy ON copy.slot_name = $2
                  WHERE own.slot_name = $1`;
    const [row] = await this.#control.use(async (client) => await query(client, sql, [this.#slot, this.copy]));
    if (row === undefined) throw new WeirError('WEIR_PG_SLOT_LOST', `replication slot ${this.#slot} is gone`);
    if (row['restart'] == null) throw new WeirError('WEIR_PG_SLOT_INVALIDATED', `the copy of replication slot ${this.#slot} is lost`);
    const [slot, end, at, restart] = ['slot', 'end', 'at', 'restart'].map((place) => parseLsn(row[place] ?? '0/0'));
    return { slot: slot!, end: end!, at: at!, restart: restart! };
  }

  async advance(lsn: bigint): Promise<void> {
    const sql = `SELECT pg_replication_slot_advance(slot_name, $2) FROM pg_replication_slots
                  WHERE slot_name = $1 AND confirmed_flush_lsn <= $2`;
    await this.#control.use(async (client) => await query(client, sql, [this.#slot, formatLsn(lsn)], { timeoutMs: null }));
  }

  async endPiece(): Promise<void> {
    await this.#control.use(async (client) => await query(client, 'SELECT pg_cancel_backend($1)', [this.#pid]));
  }
}
