import { Op } from '@weir/sdk';
import type { SeenRow } from '@weir/testkit';
import type pg from 'pg';
import { expect } from 'vitest';
import type { TestDatabase } from './test-database.ts';

/** How a table of `VersionedRows` is keyed: `key` turns a number into the SQL of the key's columns. */
export interface KeyForm {
  readonly name: string;
  readonly columns: string;
  readonly primaryKey: string;
  readonly key: (id: number) => string;
}

const KEYS = 60;
const WRITERS = 3;

/**
 * A table whose every change is written down by a trigger, in the same transaction: so of each key it is known which versions
 * it had, in order. Writers change it in transactions with savepoints, some rolled back, some asynchronous.
 */
export class VersionedRows {
  readonly #database: TestDatabase;
  readonly #form: KeyForm;
  readonly #random: () => number;
  #version = 0;
  #stopping = false;
  #running: Promise<void>[] = [];
  commits = 0;

  constructor(database: TestDatabase, form: KeyForm, random: () => number) {
    this.#database = database;
    this.#form = form;
    this.#random = random;
  }

  /** Makes the table with rows in it. */
  async create(): Promise<void> {
    const { columns, primaryKey } = this.#form;
    const keyText = (row: string): string => `concat_ws('|', ${primaryKey.split(', ').map((name) => `${row}.${name}`).join(', ')})`;
    await this.#database.sql(`
      CREATE TABLE versions (${columns}, version int NOT NULL, PRIMARY KEY (${primaryKey}));
      CREATE TABLE other_events (seq bigserial, key text, event text);
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'UPDATE' AND ${keyText('OLD')} = ${keyText('NEW')} THEN
          INSERT INTO other_events (key, event) VALUES (${keyText('NEW')}, 'set ' || NEW.version);
        ELSE
          IF TG_OP <> 'INSERT' THEN INSERT INTO other_events (key, event) VALUES (${keyText('OLD')}, 'gone'); END IF;
          IF TG_OP <> 'DELETE' THEN INSERT INTO other_events (key, event) VALUES (${keyText('NEW')}, 'set ' || NEW.version); END IF;
        END IF;
        RETURN NULL; END $$;
      CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON versions FOR EACH ROW EXECUTE FUNCTION note()`);
    for (let id = 0; id < KEYS; id += 2) await this.#database.sql(this.#insert(id));
  }

  start(): void {
    this.#running = Array.from({ length: WRITERS }, async (_none, writer) => await this.#write(writer));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  /**
   * Every version of every key arrived once and in order: its events are the last of those that happened, and what was
   * copied is what was there before them.
   */
  async expectArrived(rows: readonly SeenRow[], keyColumns: number): Promise<void> {
    const happened = new Map<string, string[]>();
    for (const { key, event } of await this.#database.sql('SELECT key, event FROM other_events ORDER BY seq')) {
      happened.set(String(key), [...(happened.get(String(key)) ?? []), String(event)]);
    }
    const seen = eventsByKey(rows, keyColumns);
    for (const key of new Set([...happened.keys(), ...seen.keys()])) {
      const { read = [], streamed = [] } = seen.get(key) ?? {};
      const all = happened.get(key) ?? [];
      const first = all.length - streamed.length;
      expect(streamed, `the stream of ${key}`).toEqual(all.slice(first));
      const before = all[first - 1] ?? 'gone';
      expect(read, `the copy of ${key}`).toEqual(before === 'gone' ? [] : [before]);
    }
  }

  #insert(id: number): string {
    return `INSERT INTO versions VALUES (${this.#form.key(id)}, ${++this.#version})`;
  }

  #where(id: number): string {
    return `(${this.#form.primaryKey}) = (${this.#form.key(id)})`;
  }

  async #write(writer: number): Promise<void> {
    const client = await this.#database.connect();
    try {
      while (!this.#stopping) await this.#transaction(client, writer);
    } finally {
      await client.end();
    }
  }

  async #transaction(client: pg.Client, writer: number): Promise<void> {
    await client.query('BEGIN');
    if (this.#random() < 0.3) await client.query('SET LOCAL synchronous_commit = off');
    for (let change = 0; change < 1 + this.#random() * 4; change++) {
      const isPart = this.#random() < 0.3;
      if (isPart) await client.query('SAVEPOINT part');
      await client.query(this.#change(this.#key(writer), this.#key(writer)));
      if (isPart && this.#random() < 0.4) await client.query('ROLLBACK TO part');
    }
    const isKept = this.#random() < 0.8;
    await client.query(isKept ? 'COMMIT' : 'ROLLBACK');
    if (isKept) this.commits++;
  }

  #key(writer: number): number {
    return Math.floor(this.#random() * (KEYS / WRITERS)) * WRITERS + writer;
  }

  #change(id: number, to: number): string {
    const kind = this.#random();
    if (kind < 0.25) return `${this.#insert(id)} ON CONFLICT DO NOTHING`;
    if (kind < 0.4) return `DELETE FROM versions WHERE ${this.#where(id)}`;
    const { primaryKey, key } = this.#form;
    const version = ++this.#version;
    if (kind < 0.6) {
      const isFree = `NOT EXISTS (SELECT FROM versions WHERE ${this.#where(to)})`;
      return `UPDATE versions SET (${primaryKey}, version) = (SELECT ${key(to)}, ${version}) WHERE ${this.#where(id)} AND ${isFree}`;
    }
    return `UPDATE versions SET version = ${version} WHERE ${this.#where(id)}`;
  }
}

interface KeyEvents {
  readonly read: string[];
  readonly streamed: string[];
}

function eventsByKey(rows: readonly SeenRow[], keyColumns: number): Map<string, KeyEvents> {
  const events = new Map<string, KeyEvents>();
  const of = (cells: readonly unknown[]): KeyEvents => {
    // A cell that was seen is its bytes.
    const key = Buffer.from(cells.slice(0, keyColumns).map(String).join('|'), 'latin1').toString();
    const known = events.get(key) ?? { read: [], streamed: [] };
    events.set(key, known);
    return known;
  };
  for (const { op, before, after } of rows) {
    const old = before === null ? null : of(before);
    const next = after === null ? null : of(after);
    const version = `set ${String(after?.[keyColumns])}`;
    if (op === Op.read) next!.read.push(version);
    else if (next === null) old!.streamed.push('gone');
    else {
      if (old !== null && old !== next) old.streamed.push('gone');
      next.streamed.push(version);
    }
  }
  return events;
}
