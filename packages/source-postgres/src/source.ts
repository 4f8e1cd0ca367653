import { closeClient, connect, cutOnAbort, query } from '@weir/postgres';
import {
  Changes,
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
  type WeirError,
} from '@weir/sdk';
import type pg from 'pg';
import { readCapture, type Capture } from './capture/capture.ts';
import { CapturedTables } from './shape/captured-tables.ts';
import { Catalog } from './shape/catalog-view.ts';
import { defaultName, type PostgresConfig } from './config.ts';
import { errorsFirst, inspectServer, refuseErrors } from './capture/inspect.ts';
import { markLog } from './log-mark.ts';
import { planSource } from './capture/source-plan.ts';
import { compareTables, publishTables } from './shape/open-tables.ts';
import { beginsAnew } from './lost-position.ts';
import {
  anewMessage,
  beginAnew,
  resume,
  startFromNothing,
  type Boundary,
  type Resumption,
  type Surroundings,
} from './opening.ts';
import { boundaryPosition, positionLsn, readState, type CopyReason } from './position.ts';
import { removeTraces } from './reset.ts';
import { PostgresSession } from './session.ts';
import { SharedConnection } from './shared-connection.ts';
import { slotResults } from './slot-report.ts';
import { PostgresTableReader } from './table-reader.ts';
import { TableReplacement } from './shape/table-replacement.ts';

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

  async open(from: Checkpoint | null, signal: AbortSignal, reach: Position | null = null): Promise<SourceSession> {
    const client = await connect(this.#config, signal);
    using _ = cutOnAbort(client, signal);
    try {
      const around = { client, config: this.#config, slot: this.#names.slot, signal };
      if (from === null) {
        const capture = await this.#inspect(client, false, signal);
        return await this.#session(client, await startFromNothing(around, capture, reach), null, 'first');
      }
      return await this.#resume(around, { state: readState(from), position: from.position, reach });
    } catch (error) {
      await closeClient(client);
      signal.throwIfAborted();
      throw error;
    }
  }

  /** Drops the slot of this pipeline and the publications that Weir made for it. @throws WeirError WEIR_PG_SLOT_IN_USE */
  async reset(signal: AbortSignal): Promise<readonly string[]> {
    const client = await connect(this.#config, signal);
    using _ = cutOnAbort(client, signal);
    try {
      return await removeTraces(client, this.#names);
    } finally {
      await closeClient(client);
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
      await closeClient(control);
    }
  }

  async discover(signal: AbortSignal): Promise<Table[]> {
    const control = await connect(this.#config, signal);
    try {
      return (await readCapture(control, this.#config, this.#names.publication)).tables.map(({ table }) => table);
    } finally {
      await closeClient(control);
    }
  }

  async plan(signal: AbortSignal): Promise<SourcePlan> {
    const control = await connect(this.#config, signal);
    using _ = cutOnAbort(control, signal);
    try {
      const { capture } = await inspectServer(control, this.#config, this.#names, { signal });
      return await planSource(control, this.#config, capture, this.#names.slot);
    } finally {
      await closeClient(control);
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
      const { results } = await inspectServer(control, this.#config, this.#names, { signal });
      return [...results, ...(await slotResults(control, this.#config, this.#names.slot))].toSorted(errorsFirst);
    } finally {
      await closeClient(control);
    }
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    await using reader = this.reader();
    yield* reader.scan(table, signal);
  }

  reader(): PostgresTableReader {
    return new PostgresTableReader(this.#config, this.#names.publication);
  }

  async #resume(around: Surroundings, resumption: Resumption): Promise<SourceSession> {
    const { client } = around;
    positionLsn(resumption.position);
    const inspected = await this.#inspect(client, true, around.signal);
    try {
      // A checkpoint's publications may have to be changed; those that were just made are right.
      const { reach } = resumption;
      const boundary = await resume(around, resumption);
      return await this.#session(client, boundary, inspected, 'new', reach === null ? undefined : positionLsn(reach));
    } catch (error) {
      if (!beginsAnew(this.#config, error)) throw error;
      return await this.#beginAnew(around, resumption, error);
    }
  }

  async #beginAnew(around: Surroundings, resumption: Resumption, lost: WeirError): Promise<SourceSession> {
    const { clock, log, pipeline } = this.#context;
    const capture = await this.#inspect(around.client, false, around.signal);
    const boundary = await beginAnew(around, capture, resumption, { code: lost.code, at: clock.now() });
    log.warn({ pipeline, code: lost.code, epoch: boundary.state.epoch }, anewMessage(lost, resumption.state.slot, boundary));
    return await this.#session(around.client, boundary, null, 'new');
  }

  /** What is to be captured. @throws WeirError the first thing that the server lacks */
  async #inspect(client: pg.Client, resumed: boolean, signal: AbortSignal): Promise<Capture> {
    const { results, capture } = await inspectServer(client, this.#config, this.#names, { resumed, signal });
    refuseErrors(results);
    return capture;
  }

  /**
   * @param inspected what is to be captured; null when all of it is published just now
   * @param fresh why a table is copied that the state does not have
   * @param reach LSN before which no copy goes on
   */
  async #session(
    client: pg.Client,
    { from, gate, state, isAnew }: Boundary,
    inspected: Capture | null,
    fresh: CopyReason,
    reach = from,
  ): Promise<PostgresSession> {
    const [config, context] = [this.#config, this.#context];
    const control = new SharedConnection(client);
    const catalog = new Catalog(control, config, this.#names.publication, context.clock);
    const { content } = await catalog.lookWith(client);
    const tables = new CapturedTables(state, content.types);
    const [row] = await query(client, 'SELECT current_user AS role');
    const replacement = new TableReplacement(tables, context, row!['role']!);
    // The publication was made fit, or anew, just now: what was missing from it before is read again.
    if (isAnew) for (const captured of tables.all) tables.put({ ...captured, member: content.members.get(captured.oid) ?? 0 });
    compareTables(tables, content, config, replacement, fresh);
    const missing = await publishTables(client, tables, catalog, inspected ?? content.capture, replacement);
    const { version } = content.capture;
    const options = { config, context, control, catalog, tables, replacement, missing, gate, reach, from, isAnew, version };
    return new PostgresSession(options);
  }
}
