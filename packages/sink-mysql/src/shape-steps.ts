import type { Shard } from '@weir/sdk';
import { sinkIs, type QualifiedName } from '@weir/sql-sink';
import { inspectTarget } from './inspect-target.ts';
import type { OwnTables } from './own-tables.ts';
import type { SideConnection } from './side-connection.ts';
import { identifier, literal, qualified, quoting } from './sql-text.ts';
import type { Transaction } from './transaction.ts';

/** What is done to a table behind the commit that it belongs to. Names of columns are those that the step finds. */
export type Step =
  /** The table `from` takes the place of `table`, which may not be there. */
  | { readonly do: 'swap'; readonly schema: string; readonly table: string; readonly from: string }
  | { readonly do: 'rename'; readonly schema: string; readonly table: string; readonly from: string; readonly to: string }
  | { readonly do: 'drop-column'; readonly schema: string; readonly table: string; readonly column: string }
  | { readonly do: 'drop-table'; readonly schema: string; readonly table: string };

const AT = { doing: 'changing the shape of tables' };

/**
 * `_weir_steps`. DDL of MySQL commits by itself, so it cannot be in the transaction of the checkpoint. What is only added goes
 * before it, and does no harm if it never commits. What takes something away is written down in the transaction and done
 * behind it; a session that finds steps does them before anything else. Each step is deleted when it is done, and done over
 * again it changes nothing, so that it does not matter where a session died.
 */
export class ShapeSteps {
  readonly #shard: Shard;
  readonly #own: OwnTables;
  readonly #side: SideConnection;
  readonly #where: string;

  constructor(shard: Shard, own: OwnTables, side: SideConnection) {
    this.#shard = shard;
    this.#own = own;
    this.#side = side;
    this.#where = `${sinkIs(quoting, shard)} AND shard = ${Math.trunc(shard.shard)}`;
  }

  /** Writes steps down in the transaction that is open. */
  async add(transaction: Transaction, steps: readonly Step[]): Promise<void> {
    if (steps.length === 0) return;
    const { pipeline, sink, shard } = this.#shard;
    const of = `${literal(pipeline)}, ${literal(sink)}, ${Math.trunc(shard)}`;
    const rows = steps.map((step, place) => `(${of}, ${place}, ${literal(JSON.stringify(step))})`);
    await transaction.run(`INSERT INTO ${this.#own.steps} (pipeline, sink, shard, place, step) VALUES ${rows.join(', ')}`, AT);
  }

  /** Does what is written down, in order. To be called while the fence's row is locked (invariant 5). */
  async perform(transaction: Transaction): Promise<void> {
    const { rows } = await transaction.run(`SELECT place, step FROM ${this.#own.steps} WHERE ${this.#where} ORDER BY place`, AT);
    for (const [place, text] of rows) {
      await this.#do(JSON.parse(text!) as Step);
      await this.#side.run(`DELETE FROM ${this.#own.steps} WHERE ${this.#where} AND place = ${place}`, AT);
    }
  }

  async #do(step: Step): Promise<void> {
    const target: QualifiedName = { schema: step.schema, table: step.table };
    const name = qualified(target);
    if (step.do === 'drop-table') return await this.#run(`DROP TABLE IF EXISTS ${name}`);
    if (step.do === 'swap') return await this.#swap(target, step.from);
    const found = await inspectTarget((sql) => this.#side.run(sql, AT), target);
    const has = (wanted: string): boolean => found?.columns.some((column) => column.name === wanted) === true;
    if (step.do === 'rename' && has(step.from)) {
      await this.#run(`ALTER TABLE ${name} RENAME COLUMN ${identifier(step.from)} TO ${identifier(step.to)}`);
    } else if (step.do === 'drop-column' && has(step.column)) {
      await this.#run(`ALTER TABLE ${name} DROP COLUMN ${identifier(step.column)}`);
    }
  }

  async #swap(target: QualifiedName, from: string): Promise<void> {
    const ask = (sql: string) => this.#side.run(sql, AT);
    const fresh = { schema: target.schema, table: from };
    const old = { schema: target.schema, table: `${from}_old` };
    if ((await inspectTarget(ask, fresh)) !== null) {
      const isThere = (await inspectTarget(ask, target)) !== null;
      const away = isThere ? `${qualified(target)} TO ${qualified(old)}, ` : '';
      await this.#run(`RENAME TABLE ${away}${qualified(fresh)} TO ${qualified(target)}`);
    }
    await this.#run(`DROP TABLE IF EXISTS ${qualified(old)}`);
  }

  async #run(sql: string): Promise<void> {
    await this.#side.run(sql, AT);
  }
}
