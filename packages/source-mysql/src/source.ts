import { join } from 'node:path';
import { connect, cutOnAbort, serverVersion, type MysqlClient } from '@weir/mysql';
import {
  Changes,
  isChosen,
  parsePattern,
  tableName,
  toWeirError,
  WeirError,
  type Batch,
  type ChangesOptions,
  type CheckResult,
  type Checkpoint,
  type ConnectorContext,
  type Position,
  type Row,
  type Rows,
  type Source,
  type SourcePlan,
  type SourceSession,
  type Table,
} from '@weir/sdk';
import { chosenTables, tablesAtEnd, unreadState } from './capture/chosen-tables.ts';
import { planSource } from './capture/source-plan.ts';
import { shapeOf } from './capture/table-shape.ts';
import { inspect } from './check.ts';
import { readState, type MysqlState, type TableState } from './checkpoint-state.ts';
import type { MysqlConfig } from './config.ts';
import { readLogFileTime } from './log-file-time.ts';
import { beginAnew, isLostPosition, resume, startFromNothing, type Opening } from './opening.ts';
import { boundaryPosition } from './position.ts';
import { readServerLog } from './server-log.ts';
import { MysqlSession } from './session.ts';
import { replicaIdentity } from './stream/replica-identity.ts';
import { MysqlTableReader } from './table-reader.ts';
import { PreparedTransactions } from './xa/prepared-transactions.ts';

/** A MySQL or MariaDB server as a source. */
export class MysqlSource implements Source {
  readonly #config: MysqlConfig;
  readonly #context: ConnectorContext;

  constructor(config: MysqlConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
  }

  async open(from: Checkpoint | null, signal: AbortSignal, reach: Position | null = null): Promise<SourceSession> {
    const control = await connect(this.#config, signal);
    using _ = cutOnAbort(control, signal);
    try {
      await this.#refuseErrors(control, from === null);
      const opening = from === null ? await this.#begin(control, reach) : await this.#resume(control, from, reach, signal);
      return new MysqlSession({ config: this.#config, context: this.#context, control, opening, prepared: this.#prepared(opening.state) });
    } catch (error) {
      await control.close(false);
      signal.throwIfAborted();
      throw error;
    }
  }

  /** The changes one by one, for an application that applies each in a transaction of its own. */
  changes<Tables extends Rows = Readonly<Record<string, Row>>>(options: ChangesOptions = {}): Changes<Tables> {
    return new Changes<Tables>(this, options);
  }

  /** The end of the log now. */
  async head(signal: AbortSignal): Promise<Position> {
    return await this.#asking(signal, async (client) => boundaryPosition(0, (await readServerLog(client)).end));
  }

  async discover(signal: AbortSignal): Promise<Table[]> {
    const { tables, zero_dates: zeroDates } = this.#config;
    return await this.#asking(signal, async (client) => (await chosenTables(client, tables)).map((table) => shapeOf(table, zeroDates).table));
  }

  async check(signal: AbortSignal): Promise<CheckResult[]> {
    try {
      return await this.#asking(signal, async (client) => await this.#inspect(client, true));
    } catch (error) {
      signal.throwIfAborted();
      const { code, message, fix, path = 'url' } = toWeirError(error);
      return [{ code, level: 'error', message, fix, path }];
    }
  }

  async plan(signal: AbortSignal): Promise<SourcePlan> {
    return await this.#asking(signal, async (client) => await planSource(client, this.#config));
  }

  async *scan(table: Table, signal: AbortSignal): AsyncGenerator<Batch> {
    const { flavour } = await this.#asking(signal, serverVersion);
    await using reader = new MysqlTableReader(this.#config, flavour, this.#config.zero_dates);
    yield* reader.scan(table, signal);
  }

  async #begin(control: MysqlClient, reach: Position | null): Promise<Opening> {
    const { tables, snapshot } = this.#config;
    if (snapshot.mode === 'never') {
      const { chosen, log } = await tablesAtEnd(control, tables);
      return startFromNothing(chosen.map((table) => unreadState(table, table)), log, reach);
    }
    // Read before the catalog: what alters a table in between is in the log behind it.
    const log = await readServerLog(control);
    const chosen = await chosenTables(control, tables);
    return startFromNothing(chosen.map((table) => unreadState(table, null)), log, reach);
  }

  async #resume(control: MysqlClient, from: Checkpoint, reach: Position | null, signal: AbortSignal): Promise<Opening> {
    // Another one than the stream's: whoever reads with that goes on if this start is refused.
    const identity = replicaIdentity(`${this.#context.pipeline}\0start`, null);
    const { flavour } = readState(from);
    const fileTime = async (file: string): Promise<number | null> => await readLogFileTime(this.#config, { flavour, identity, file }, signal);
    try {
      const opening = await resume({ client: control, fileTime }, from, reach);
      await this.#prepared(opening.state).check();
      return { ...opening, state: await this.#compared(control, opening.state) };
    } catch (error) {
      if (this.#config.on_lost_position === 'fail' || !isLostPosition(error)) throw error;
      const opening = beginAnew({ state: readState(from), position: from.position }, await readServerLog(control), reach);
      const { log, pipeline } = this.#context;
      log.warn({ pipeline, code: error.code, epoch: opening.state.epoch }, `the position is lost (${error.message}), so all tables are read again`);
      return opening;
    }
  }

  /** Tables that the configuration has got since are copied, those that it has lost are forgotten: their rows stay at the sinks. */
  async #compared(control: MysqlClient, state: MysqlState): Promise<MysqlState> {
    const { tables, snapshot } = this.#config;
    const patterns = tables.map(parsePattern);
    const kept = state.tables.filter((table) => isChosen(table, patterns));
    const names = new Set(kept.map(tableName));
    const added = (await chosenTables(control, tables)).filter((table) => !names.has(tableName(table)));
    const unread = added.map((table): TableState => ({ ...unreadState(table, snapshot.mode === 'never' ? table : null), reason: 'new' }));
    // What is in doubt and was of no interest may change these: it is one that was missed.
    const prepared = state.prepared?.filter(({ file }) => file !== undefined || added.length === 0);
    return { ...state, tables: [...kept, ...unread], prepared };
  }

  /** Those of a state, and the files where they are kept. */
  #prepared({ prepared = [] }: MysqlState): PreparedTransactions {
    const { folder } = this.#context;
    return new PreparedTransactions({ prepared, folder: folder === undefined ? null : join(folder, 'xa') });
  }

  /** @throws WeirError the first thing that the server lacks */
  async #refuseErrors(client: MysqlClient, isFirst: boolean): Promise<void> {
    const error = (await this.#inspect(client, isFirst)).find(({ level }) => level === 'error');
    if (error !== undefined) throw new WeirError(error.code as WeirError['code'], error.message, { fix: error.fix, path: error.path });
  }

  /** @param isFirst nothing was copied yet */
  async #inspect(client: MysqlClient, isFirst: boolean): Promise<CheckResult[]> {
    const { serverId } = replicaIdentity(this.#context.pipeline, this.#config.server_id);
    const isCopying = isFirst && this.#config.snapshot.mode !== 'never';
    return await inspect(client, { tables: this.#config.tables, serverId, isCopying });
  }

  async #asking<Answer>(signal: AbortSignal, ask: (client: MysqlClient) => Promise<Answer>): Promise<Answer> {
    const client = await connect(this.#config, signal);
    using _ = cutOnAbort(client, signal);
    try {
      return await ask(client);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      await client.close();
    }
  }
}
