import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { BATCH_ROWS, systemClock, type Source } from '@weir/sdk';
import { testSeed, type Change, type ShapeStatement, type SourceEnvironment } from '@weir/testkit';
import { Database } from '../database.ts';
import { Dice } from '../dice.ts';
import { Scheduler } from '../scheduler.ts';
import { Server, type CatchesUp } from '../server.ts';
import { SimProcess } from '../sim-process.ts';
import { SimSource } from '../sim-source.ts';
import { labelledTable, newTable } from '../sim-tables.ts';
import type { SimTransaction } from '../sim-transaction.ts';
import { INT4 } from '../sim-types.ts';
import type { Statement } from '../statement.ts';
import type { StreamsAfter } from '../walsender.ts';
import { RunningScheduler } from './running-scheduler.ts';
import { simTypeCases } from './sim-type-cases.ts';

const [ITEMS_OID, TYPES_OID] = [201, 202];
const CHUNK_ROWS = 2_000;
const ROUND_CHUNKS = 16;
const PIECES = [16n << 10n, 1n << 20n] as const;
const OTHER_BYTES = 8 << 20;
/** Every so manyth commit is in the log for a while before it is visible. */
const HIDDEN = 3;
const HIDDEN_TURNS = 5;
const ARRIVAL_MS = 50;

/** The simulated server with a table `items`, which runs by itself and with nothing that goes wrong. */
export class SimEnvironment implements SourceEnvironment {
  readonly database: Database = new Database([labelledTable(ITEMS_OID, 'items', INT4)], systemClock);
  readonly #server: Server;
  readonly #process: SimProcess;
  readonly #running: RunningScheduler;
  #transactions = 0;

  constructor(streamsAfter: StreamsAfter, catchesUp: CatchesUp) {
    const scheduler = new Scheduler(new Dice(testSeed), false);
    const sizes = { batchRows: BATCH_ROWS, chunkRows: CHUNK_ROWS, roundChunks: ROUND_CHUNKS, pieces: PIECES };
    this.#server = new Server({ streamsAfter, catchesUp, ...sizes }, this.database);
    this.#process = new SimProcess('runner', scheduler, []);
    this.#running = new RunningScheduler(scheduler);
  }

  source(): Source {
    return new SimSource(this.#process, this.#server);
  }

  async apply(changes: readonly (Change | ShapeStatement)[], end: 'commit' | 'rollback' = 'commit'): Promise<void> {
    await this.#transaction(changes.map(itemsStatement), end);
  }

  async fill(first: number, count: number, label: string): Promise<void> {
    await this.#transaction([{ does: 'fill', table: 'items', first, count, values: { label } }]);
  }

  async createTypes(): Promise<void> {
    const plans = simTypeCases.map(({ plan }) => plan);
    this.database.addTable(newTable(TYPES_OID, 'types', [{ name: 'id', type: INT4 }, ...plans]));
    await this.insertTypes();
  }

  async insertTypes(): Promise<void> {
    const there = [...this.database.rows(this.database.table('types'), this.database.snapshot())];
    const emptied = there.map(([key]): Statement => ({ does: 'delete', table: 'types', key: key! }));
    const count = Math.max(...simTypeCases.map(({ texts }) => texts.length));
    const inserted = Array.from({ length: count }, (_, row): Statement => {
      const values = Object.fromEntries(simTypeCases.map(({ column, texts }) => [column, texts[row] ?? null]));
      return { does: 'insert', table: 'types', key: String(row + 1), values };
    });
    await this.#transaction([...emptied, ...inserted]);
  }

  async otherActivity(): Promise<void> {
    this.database.noise(OTHER_BYTES);
    await setImmediate();
  }

  /** What was confirmed a moment ago is still on its way. */
  async retainedBytes(): Promise<number> {
    await sleep(ARRIVAL_MS);
    return this.database.end - (this.database.confirmed ?? this.database.end);
  }

  async disconnect(): Promise<void> {
    this.#server.cut();
    await setImmediate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
    this.#process.die();
    this.#server.close();
  }

  /** Others come to their turn between any two statements. */
  async #transaction(statements: readonly Statement[], end: 'commit' | 'rollback' = 'commit'): Promise<void> {
    const isHidden = ++this.#transactions % HIDDEN === 0;
    await setImmediate();
    const transaction = this.database.begin();
    for (const statement of statements) await this.#run(transaction, statement);
    if (end === 'rollback') {
      this.database.rollBack(transaction);
      return;
    }
    this.database.commit(transaction, !isHidden);
    for (let turn = 0; isHidden && turn < HIDDEN_TURNS; turn++) await setImmediate();
    if (isHidden) this.database.show(transaction);
  }

  async #run(transaction: SimTransaction, statement: Statement): Promise<void> {
    let effect = this.database.run(transaction, statement);
    while (effect === 'waits') {
      await setImmediate();
      effect = this.database.run(transaction, statement);
    }
    if (effect !== 'done') throw new Error(`the simulated server cannot do this: ${JSON.stringify(statement)}`);
    await setImmediate();
  }
}

/** What a change of the contract is for the simulated server. */
function itemsStatement(change: Change | ShapeStatement): Statement {
  const table = 'items';
  switch (change.op) {
    case 'insert':
      return { does: 'insert', table, key: String(change.id), values: { label: change.label, large: change.large ?? null } };
    case 'insertRow':
      return { does: 'insert', table, key: String(change.id), values: change.values };
    case 'update': {
      const { op: _, id, ...values } = change;
      return { does: 'update', table, key: String(id), values };
    }
    case 'updateRow':
      return { does: 'update', table, key: String(change.id), values: change.values };
    case 'changeKey':
      return { does: 'update', table, key: String(change.id), to: String(change.to), values: {} };
    case 'delete':
      return { does: 'delete', table, key: String(change.id) };
    case 'truncate':
      return { does: 'truncate', table };
    case 'addColumn':
      return { does: 'reshape', table, how: { change: 'add', column: change.column, value: change.value } };
    case 'dropColumn':
      return { does: 'reshape', table, how: { change: 'drop', column: change.column } };
    case 'renameColumn':
      return { does: 'reshape', table, how: { change: 'rename', column: change.column, from: change.from } };
  }
}
