import { tableName, type Table } from '@weir/sdk';
import { deltaTables } from './delta.ts';
import type { OwnTables } from './own-tables.ts';
import type { QualifiedName } from './sql-text.ts';
import { readTargets, targetKey, type TargetTable } from './target-catalog.ts';
import type { Transaction } from './transaction.ts';

/** After so many tables that were looked for one by one the whole catalog is read: each look goes through all of it. */
const LOOKS = 8;

interface Known {
  readonly targets: ReadonlyMap<string, TargetTable>;
  readonly owners: ReadonlyMap<string, string>;
}

/** The catalog as a transaction found it. It says only what is there: what is not may have come since. */
export class KnownCatalog {
  readonly #transaction: Transaction;
  readonly #own: OwnTables;
  #looks = 0;
  #known: Known | null = null;

  constructor(transaction: Transaction, own: OwnTables) {
    this.#transaction = transaction;
    this.#own = own;
  }

  /** To be called when the transaction ends, or makes, changes or drops a table. */
  forget(): void {
    this.#known = null;
    this.#looks = 0;
  }

  /** The target of a table, where it is there and this table's; null when it has to be looked for. */
  async find(table: Table, name: QualifiedName): Promise<TargetTable | null> {
    if (this.#known === null && ++this.#looks <= LOOKS) return null;
    this.#known ??= { targets: await readTargets(this.#transaction, name.database), owners: await this.#own.targets() };
    const key = targetKey(name);
    // What stands behind a view has to be looked for.
    if (this.#known.targets.has(targetKey(deltaTables(name).delta))) return null;
    return this.#known.owners.get(tableName(table)) === key ? (this.#known.targets.get(key) ?? null) : null;
  }
}
