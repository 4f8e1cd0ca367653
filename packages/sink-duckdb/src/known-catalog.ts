import { tableName, type Table } from '@weir/sdk';
import { deltaTables } from './delta.ts';
import type { OwnTables } from './own-tables.ts';
import type { QualifiedName } from './sql-text.ts';
import { readNames, readTargets, targetKey, type TargetTable } from './target-catalog.ts';
import type { Transaction } from './transaction.ts';

/** After so many tables that were looked for one by one the whole catalog is read: each look goes through all of it. */
const LOOKS = 8;

interface Known {
  readonly targets: ReadonlyMap<string, TargetTable>;
  readonly owners: ReadonlyMap<string, string>;
}

/** The catalog as the session found it, so that a table of many costs no look at all others. */
export class KnownCatalog {
  readonly #transaction: Transaction;
  readonly #own: OwnTables;
  #looks = 0;
  #known: Known | null = null;
  /** What the transaction changed itself, by {@link targetKey}. */
  readonly #changed = new Set<string>();
  /** Names that are taken, by {@link targetKey}; null before anybody asked. */
  #names: Set<string> | null = null;

  constructor(transaction: Transaction, own: OwnTables) {
    this.#transaction = transaction;
    this.#own = own;
  }

  /** To be called when the transaction ends: others may change tables from then on. */
  forget(): void {
    this.#known = null;
    this.#changed.clear();
    this.#looks = 0;
  }

  /** To be called when the transaction makes, changes or drops a table. */
  changed(name: QualifiedName): void {
    this.#changed.add(targetKey(name));
    this.#names?.add(targetKey(name));
  }

  /** The target of a table, where it is there and this table's; null when it has to be looked for. */
  async find(table: Table, name: QualifiedName): Promise<TargetTable | null> {
    if (this.#known === null && ++this.#looks <= LOOKS) return null;
    this.#known ??= { targets: await readTargets(this.#transaction, name.database), owners: await this.#own.targets() };
    const key = targetKey(name);
    // What stands behind a view has to be looked for.
    if (this.#changed.has(key) || this.#known.targets.has(targetKey(deltaTables(name).delta))) return null;
    return this.#known.owners.get(tableName(table)) === key ? (this.#known.targets.get(key) ?? null) : null;
  }

  /**
   * Whether no table or view had the name when the session first asked, and it made none since. Another session may have:
   * then making the table fails.
   */
  async lacks(name: QualifiedName): Promise<boolean> {
    this.#names ??= await readNames(this.#transaction, name.database);
    return !this.#names.has(targetKey(name));
  }
}
