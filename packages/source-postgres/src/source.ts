import { parseLsn } from '@weir/pgoutput';
import { connect, CopyReader, cutOnAbort, query, quoteIdentifier, Wire } from '@weir/postgres';
import {
  Changes,
  WeirError,
  tableName,
  toWeirError,
  type Batch,
  type CheckResult,
  type Checkpoint,
  type ChangesOptions,
  type ConnectorContext,
  type Position,
  type Row,
  type Rows,
  type Source,
  type SourceSession,
  type Table,
} from '@weir/sdk';
import type pg from 'pg';
import { bindTable, quoteTable, readCatalog, schemaDigest, type CatalogTable } from './catalog.ts';
import { defaultName, type PostgresConfig } from './config.ts';
import { inspectServer, refuseErrors } from './inspect.ts';
import { boundaryPosition, positionLsn, readState, type PostgresState, type TableState } from './position.ts';
import { alterPublication, checkPublication, ensurePublication, memberOids } from './publication.ts';
import { PostgresSession, type SessionOptions } from './session.ts';
import { checkSlot, createSlot } from './slot.ts';
import { selectTables } from './table-pattern.ts';

/** A PostgreSQL database as a source. */
export class PostgresSource implements Source {
  readonly #config: PostgresConfig;
  readonly #context: ConnectorContext;
  readonly #names: { slot: string; publication: string };

  constructor(config: PostgresConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
    const name = defaultName(context.pipeline);
    this.#names = { slot: config.slot ?? name, publication: config.publication ?? name };
  }

  async open(from: Checkpoint | null, signal: AbortSignal): Promise<SourceSession> {
    const control = await connect(this.#config, signal);
    using _ = cutOnAbort(control, signal);
    try {
      const { results, tables } = await inspectServer(control, this.#config, this.#names);
      refuseErrors(results);
      const opened = from === null ? await this.#begin(control, tables) : await this.#resume(control, tables, from);
      return new PostgresSession({ config: this.#config, context: this.#context, control, tables, ...opened });
    } catch (error) {
      await control.end().catch(() => {});
      signal.throwIfAborted();
      throw error;
    }
  }

  /** The changes one by one, for an application that applies each in a transaction of its own. */
  changes<Tables extends Rows = Readonly<Record<string, Row>>>(options: ChangesOptions = {}): Changes<Tables> {
    return new Changes<Tables>(this, options);
  }

  /**
   * The end of what is committed now. A mark in the log, which no stream shows, and a commit that waits for the disk: so
   * asynchronous commits before it are on disk too, and the stream comes by the mark though nothing follows. The log's end
   * itself would not do: behind a record that is half on disk, of an open transaction, the stream does not get there.
   */
  async head(signal: AbortSignal): Promise<Position> {
    const control = await connect(this.#config, signal);
    try {
      await query(control, 'BEGIN');
      await query(control, 'SET LOCAL synchronous_commit = local');
      const [mark] = await query(
        control,
        "SELECT pg_logical_emit_message(false, 'weir', 'head') AS lsn, pg_current_xact_id()",
      );
      await query(control, 'COMMIT');
      return boundaryPosition(0, parseLsn(mark!['lsn']!));
    } finally {
      await control.end().catch(() => {});
    }
  }

  async discover(signal: AbortSignal): Promise<Table[]> {
    const control = await connect(this.#config, signal);
    try {
      return selectTables(await readCatalog(control), this.#config.tables).map(({ table }) => table);
    } finally {
      await control.end().catch(() => {});
    }
  }

  async check(signal: AbortSignal): Promise<CheckResult[]> {
    let control: pg.Client;
    try {
      control = await connect(this.#config, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { code, message, fix, path = 'url' } = toWeirError(error);
      return [{ code, level: 'error', message, fix, path }];
    }
    try {
      return [...(await inspectServer(control, this.#config, this.#names)).results];
    } finally {
      await control.end().catch(() => {});
    }
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const control = await connect(this.#config, signal);
    const found = await findTable(control, table).catch(async (error: unknown) => {
      await control.end().catch(() => {});
      throw error;
    });
    await using wire = new Wire(control);
    const cut = (): void => wire.abandon();
    signal.addEventListener('abort', cut);
    try {
      const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
      const sql = `COPY (SELECT ${columns} FROM ${found.partitioned ? '' : 'ONLY '}${quoteTable(found)}) TO STDOUT`;
      yield* new CopyReader(wire).read(sql, { ...bindTable(found), table });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  /** No checkpoint: publication, then slot (it cannot decode with a publication younger than its log), nothing copied. */
  async #begin(control: pg.Client, tables: readonly CatalogTable[]): Promise<Opened> {
    const publication = await ensurePublication(control, this.#names.publication, tables);
    const mine = publication.owned || this.#config.publication === undefined;
    await alterPublication(control, { ...publication, owned: mine }, { add: tables, drop: [] });
    const from = await createSlot(control, this.#names.slot);
    const system = await identify(control);
    const state: PostgresState = {
      v: 1,
      ...system,
      slot: this.#names.slot,
      publication: { ...publication, owned: mine },
      epoch: 0,
      copies: 0,
      tables: {},
    };
    return { from, state, members: await memberOids(control, state.publication) };
  }

  /** Everything that the checkpoint relies on must still hold, or it is refused with its code (invariant 6). */
  async #resume(control: pg.Client, tables: readonly CatalogTable[], checkpoint: Checkpoint): Promise<Opened> {
    const state = readState(checkpoint);
    const from = positionLsn(checkpoint.position);
    const here = await identify(control);
    if (here.system !== state.system) {
      throw new WeirError(
        'WEIR_PG_SYSTEM_CHANGED',
        `the server's system identifier is ${here.system}, the checkpoint's ${state.system}`,
      );
    }
    if (here.timeline !== state.timeline) {
      throw new WeirError(
        'WEIR_PG_TIMELINE_CHANGED',
        `the server is on timeline ${here.timeline}, the checkpoint on ${state.timeline}`,
      );
    }
    await checkSlot(control, state.slot, from);
    const publication = await checkPublication(control, state);
    const kept = keptTables(tables, state, await memberOids(control, publication));
    const add = tables.filter((table) => kept[tableName(table)] === undefined);
    const wanted = new Set(tables.map((table) => table.oid));
    const known = new Set(Object.values(state.tables).map((table) => table.oid));
    const drop = (await readCatalog(control)).filter((table) => known.has(table.oid) && !wanted.has(table.oid));
    await alterPublication(control, publication, { add, drop });
    const same = add.length === 0 && Object.keys(kept).length === Object.keys(state.tables).length;
    const members = await memberOids(control, publication);
    return { from, state: same ? state : { ...state, tables: kept }, members };
  }
}

/** @throws WeirError WEIR_PG_TABLES_NONE */
async function findTable(control: pg.Client, table: Table): Promise<CatalogTable> {
  const found = (await readCatalog(control)).find((other) => tableName(other) === tableName(table));
  if (found === undefined) throw new WeirError('WEIR_PG_TABLES_NONE', `table ${tableName(table)} does not exist`);
  return found;
}

/** Where a session starts. */
type Opened = Pick<SessionOptions, 'from' | 'state' | 'members'>;

/**
 * The copied tables that are still the same; one that was dropped and made again is copied anew.
 * @throws WeirError WEIR_PG_SCHEMA_CHANGED, WEIR_PG_PUBLICATION_CHANGED
 */
function keptTables(
  tables: readonly CatalogTable[],
  state: PostgresState,
  members: ReadonlyMap<number, number>,
): Record<string, TableState> {
  const kept: Record<string, TableState> = {};
  for (const table of tables) {
    const name = tableName(table);
    const known = state.tables[name];
    if (known === undefined || known.oid !== table.oid) continue;
    if (known.digest !== schemaDigest(table)) {
      throw new WeirError('WEIR_PG_SCHEMA_CHANGED', `${name}: its columns are not those of the checkpoint`);
    }
    if ((members.get(table.oid) ?? 0) !== known.member) {
      throw new WeirError('WEIR_PG_PUBLICATION_CHANGED', `${name} was taken out of publication ${state.publication.name}`);
    }
    kept[name] = known;
  }
  return kept;
}

async function identify(control: pg.Client): Promise<{ system: string; timeline: number }> {
  const sql =
    'SELECT s.system_identifier AS system, c.timeline_id AS timeline FROM pg_control_system() s, pg_control_checkpoint() c';
  const [row] = await query(control, sql);
  return { system: row!['system']!, timeline: Number(row!['timeline']) };
}
