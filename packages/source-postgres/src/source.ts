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
  type SourcePlan,
  type SourceSession,
  type Table,
} from '@weir/sdk';
import type pg from 'pg';
import { readCapture, type Capture } from './capture/capture.ts';
import { CapturedTables } from './shape/captured-tables.ts';
import { bindTable, quoteTable, type CatalogTable } from './capture/catalog.ts';
import { Catalog } from './shape/catalog-view.ts';
import { defaultName, type PostgresConfig } from './config.ts';
import { inspectServer, refuseErrors } from './capture/inspect.ts';
import { markLog } from './log-mark.ts';
import { planSource } from './capture/source-plan.ts';
import { compareTables, publishTables } from './shape/open-tables.ts';
import {
  boundaryPosition,
  positionLsn,
  readState,
  type PostgresState,
  type Publication,
} from './position.ts';
import { alterPublications, checkPublications } from './capture/publication.ts';
import { PostgresSession } from './session.ts';
import { SharedConnection } from './shared-connection.ts';
import { checkSlot, createSlot } from './slot.ts';
import { TableReplacement } from './shape/table-replacement.ts';
import { VisibleTransactions } from './stream/visible-transactions.ts';

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

  async open(from: Checkpoint | null, signal: AbortSignal, reach?: Position | null): Promise<SourceSession> {
    const client = await connect(this.#config, signal);
    using _ = cutOnAbort(client, signal);
    try {
      const state = from === null ? null : readState(from);
      const { results, capture } = await inspectServer(client, this.#config, this.#names, { resumed: state !== null, signal });
      refuseErrors(results);
      const boundary =
        from === null ? await this.#prepare(client, capture) : await this.#resume(client, state!, positionLsn(from.position));
      // A checkpoint's publications may have to be changed; those that were just made are right.
      const furthest = reach == null ? boundary.from : positionLsn(reach);
      return await this.#session(client, boundary, state === null ? null : capture, furthest);
    } catch (error) {
      await client.end().catch(() => {});
      signal.throwIfAborted();
      throw error;
    }
  }

  /** The changes one by one, for an application that applies each in a transaction of its own. */
  changes<Tables extends Rows = Readonly<Record<string, Row>>>(options: ChangesOptions = {}): Changes<Tables> {
    return new Changes<Tables>(this, options);
  }

  /** The end of what is committed now. */
  async head(signal: AbortSignal): Promise<Position> {
    const control = await connect(this.#config, signal);
    try {
      return boundaryPosition(0, await markLog(control));
    } finally {
      await control.end().catch(() => {});
    }
  }

  async discover(signal: AbortSignal): Promise<Table[]> {
    const control = await connect(this.#config, signal);
    try {
      return (await readCapture(control, this.#config, this.#names.publication)).tables.map(({ table }) => table);
    } finally {
      await control.end().catch(() => {});
    }
  }

  async plan(signal: AbortSignal): Promise<SourcePlan> {
    const control = await connect(this.#config, signal);
    using _ = cutOnAbort(control, signal);
    try {
      const { capture } = await inspectServer(control, this.#config, this.#names, { signal });
      return await planSource(control, this.#config, capture, this.#names.slot);
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
      return [...(await inspectServer(control, this.#config, this.#names, { signal })).results];
    } finally {
      await control.end().catch(() => {});
    }
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const control = await connect(this.#config, signal);
    const found = await this.#findTable(control, table).catch(async (error: unknown) => {
      await control.end().catch(() => {});
      throw error;
    });
    await using wire = new Wire(control);
    const cut = (): void => wire.abandon();
    signal.addEventListener('abort', cut);
    try {
      const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
      const { rowFilter } = found.scope;
      const rows = `${found.partitioned ? '' : 'ONLY '}${quoteTable(found)}${rowFilter === null ? '' : ` WHERE (${rowFilter})`}`;
      const sql = `COPY (SELECT ${columns} FROM ${rows}) TO STDOUT`;
      yield* new CopyReader(wire).read(sql, { ...bindTable(found), table });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  /** No checkpoint: publication, then slot (it cannot decode with a publication younger than its log), nothing copied. */
  async #prepare(client: pg.Client, capture: Capture): Promise<Boundary> {
    const { publications } = await alterPublications(client, capture);
    const gate = new VisibleTransactions(await readSnapshot(client)).next;
    const from = await createSlot(client, this.#names.slot);
    const { main, inserts } = publications;
    const state: PostgresState = {
      v: 2,
      ...(await identify(client)),
      slot: this.#names.slot,
      publication: withoutAge(main),
      ...(inserts === null ? {} : { inserts: withoutAge(inserts) }),
      epoch: 0,
      copies: 0,
      tables: [],
      types: [],
    };
    return { from, gate, state };
  }

  /** Everything that the checkpoint relies on must still hold, or it is refused with its code (invariant 6). */
  async #resume(client: pg.Client, state: PostgresState, from: bigint): Promise<Boundary> {
    const here = await identify(client);
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
    await checkSlot(client, state.slot, from);
    await checkPublications(client, state);
    return { from, gate: null, state };
  }

  /**
   * @param inspected what is to be captured; null when nothing was before, and all of it is published
   * @param reach LSN before which no copy goes on
   */
  async #session(
    client: pg.Client,
    { from, gate, state }: Boundary,
    inspected: Capture | null,
    reach: bigint,
  ): Promise<PostgresSession> {
    const [config, context] = [this.#config, this.#context];
    const control = new SharedConnection(client);
    const catalog = new Catalog(control, config, this.#names.publication, context.clock);
    const { content } = await catalog.lookWith(client);
    const tables = new CapturedTables(state, content.types);
    const [row] = await query(client, 'SELECT current_user AS role');
    const replacement = new TableReplacement(tables, context, row!['role']!);
    compareTables(tables, content, config, replacement, inspected === null ? 'first' : 'new');
    const missing = await publishTables(client, tables, catalog, inspected ?? content.capture, replacement);
    const { version } = content.capture;
    return new PostgresSession({ config, context, control, catalog, tables, replacement, missing, gate, reach, from, version });
  }

  /** @throws WeirError WEIR_PG_TABLES_NONE */
  async #findTable(client: pg.Client, table: Table): Promise<CatalogTable> {
    const { tables } = await readCapture(client, this.#config, this.#names.publication);
    const found = tables.find((other) => quoteTable(other) === quoteTable(table));
    if (found === undefined) throw new WeirError('WEIR_PG_TABLES_NONE', `table ${tableName(table)} does not exist`);
    return found;
  }
}

/** Where a session starts. */
interface Boundary {
  readonly from: bigint;
  /** Transactions below this id have to end before a table is copied; null when all that are open have to. */
  readonly gate: bigint | null;
  readonly state: PostgresState;
}

/** A publication that is older than the slot. */
function withoutAge({ name, oid, owned, viaRoot }: Publication): Publication {
  return { name, oid, owned, ...(viaRoot === undefined ? {} : { viaRoot }) };
}

/** Text of a `pg_snapshot` that is taken now. */
async function readSnapshot(client: pg.Client): Promise<string> {
  return (await query(client, 'SELECT pg_current_snapshot()::text AS snapshot'))[0]!['snapshot']!;
}

async function identify(client: pg.Client): Promise<{ system: string; timeline: number }> {
  const sql =
    'SELECT s.system_identifier AS system, c.timeline_id AS timeline FROM pg_control_system() s, pg_control_checkpoint() c';
  const [row] = await query(client, sql);
  return { system: row!['system']!, timeline: Number(row!['timeline']) };
}
