import { NO_TABLE, Op, type Batch, type Commit } from './batch.ts';
import { ROW_STEP, comparePlaces, formatToken, parseToken, type ChangePlace, type ChangeToken } from './change-token.ts';
import { WeirError } from './errors.ts';
import type { Key, KeyRange } from './key-range.ts';
import type { Checkpoint } from './position.ts';
import { RowCursor, type ImageCursor } from './row-cursor.ts';
import { keyValue, rowValue, type RowValue } from './row-value.ts';
import type { Source, SourceSession } from './source.ts';
import { tableName, type SchemaChange, type Table } from './table.ts';

/** A row as a plain object, column by column. */
export type Row = Readonly<Record<string, RowValue>>;
/** The rows of tables by `namespace.name`; the type parameter of {@link Changes}. */
export type Rows = Readonly<Record<string, object>>;

/** What every change has. */
interface ChangeBase {
  /**
   * What to resume from once this change is applied: store it in the transaction that applies the change, give it to
   * `Changes.confirm` afterwards, and to `from` at the next start.
   */
  readonly token: string;
}

interface RowChangeBase<Name extends string> extends ChangeBase {
  readonly table: Name;
  readonly shape: Table;
  readonly commit: Commit;
  /** Place within its transaction, from 1. */
  readonly ordinal: number;
}

/** A row that is there now: inserted, or read by a copy. */
export interface NewRow<Name extends string, R> extends RowChangeBase<Name> {
  readonly op: 'insert' | 'read';
  readonly after: R;
}

export interface ChangedRow<Name extends string, R> extends RowChangeBase<Name> {
  readonly op: 'update';
  /** Without the columns of `unchanged`. */
  readonly after: Partial<R>;
  /** Columns that the source did not send since they did not change (large values); never to be read as NULL. */
  readonly unchanged: readonly string[];
  /** The old key, or the old row as far as the source sends it; null when the key did not change and nothing was sent. */
  readonly before: Partial<R> | null;
}

export interface DeletedRow<Name extends string, R> extends RowChangeBase<Name> {
  readonly op: 'delete';
  /** The key, or the row as far as the source sends it. */
  readonly before: Partial<R>;
}

/**
 * A copy reads the keys of a range: those greater than `after`, up to and including `upTo`, null on a side that is open. The
 * rows that are there follow, each as a `read`; what else you hold of the range is gone. That may be a part of the same range,
 * from before a kill.
 */
export interface CopiedRange<Name extends string, R> extends ChangeBase {
  readonly op: 'range';
  readonly table: Name;
  readonly shape: Table;
  /** The columns of the key. */
  readonly after: Partial<R> | null;
  readonly upTo: Partial<R> | null;
}

/** The table is empty from here on. */
export interface TruncatedTable<Name extends string> extends RowChangeBase<Name> {
  readonly op: 'truncate';
}

/** A table's shape changed. `create` says that the table starts empty here: a copy of its rows follows. */
export interface ShapeChange extends ChangeBase {
  readonly op: 'schema';
  readonly table: string;
  readonly change: SchemaChange;
}

/** Nothing changed, but the source moved on: store the token and confirm it, so that the source can forget its log. */
export interface IdleChange extends ChangeBase {
  readonly op: 'checkpoint';
}

/** One change. `change.op` and `change.table` tell which. */
export type Change<Tables extends Rows = Readonly<Record<string, Row>>> =
  | {
      [Name in keyof Tables & string]:
        | NewRow<Name, Tables[Name]>
        | ChangedRow<Name, Tables[Name]>
        | DeletedRow<Name, Tables[Name]>
        | TruncatedTable<Name>
        | CopiedRange<Name, Tables[Name]>;
    }[keyof Tables & string]
  | ShapeChange
  | IdleChange;

export interface ChangesOptions {
  /** The token of the last change that was applied; null or absent starts from nothing, with a copy. */
  readonly from?: string | null | undefined;
  /** Ends the iteration when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A source's changes one by one, for an application that applies each in a transaction of its own. Every change comes once,
 * in commit order, to whoever stores the token of each with what it did; what was not stored comes again.
 *
 * To be iterated once; `await using` closes the source. Rows are objects here: for millions of rows take `Source.open`.
 */
export class Changes<Tables extends Rows = Readonly<Record<string, Row>>>
  implements AsyncIterable<Change<Tables>>, AsyncDisposable
{
  readonly #source: Source;
  readonly #resume: ChangeToken | null;
  readonly #closed = new AbortController();
  readonly #signal: AbortSignal;
  #session: SourceSession | null = null;
  #checkpoint: Checkpoint | null;
  #place: ChangePlace | null = null;

  /** @throws WeirError WEIR_SDK_USE when `from` is no token */
  constructor(source: Source, options: ChangesOptions = {}) {
    this.#source = source;
    const from = options.from == null ? null : parseToken(options.from);
    // Without a checkpoint the source starts over, so nothing of before is to be left out.
    this.#resume = from?.checkpoint == null ? null : from;
    this.#checkpoint = this.#resume?.checkpoint ?? null;
    const { signal } = this.#closed;
    this.#signal = options.signal === undefined ? signal : AbortSignal.any([options.signal, signal]);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Change<Tables>> {
    if (this.#session !== null) throw new WeirError('WEIR_SDK_USE', 'changes can be iterated once');
    try {
      yield* this.#read();
    } catch (error) {
      // To be told to end is no failure, whatever it interrupted.
      if (!this.#signal.aborted) throw error;
    }
  }

  async *#read(): AsyncGenerator<Change<Tables>> {
    this.#signal.throwIfAborted();
    this.#session = await this.#source.open(this.#checkpoint, this.#signal);
    for await (const batch of this.#session.batches(this.#signal)) {
      try {
        yield* this.#changesOf(batch) as Generator<Change<Tables>>;
      } finally {
        batch.release();
      }
    }
  }

  /** Everything up to the change of this token is applied for good: the source may forget it. Cumulative and idempotent. */
  async confirm(token: string): Promise<void> {
    const { checkpoint } = parseToken(token);
    if (checkpoint !== null) await this.#session?.confirm(checkpoint);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#session?.[Symbol.asyncDispose]();
  }

  /** A change's token has the batch's checkpoint when it is the batch's last. */
  *#changesOf(batch: Batch): Generator<Change> {
    const places = [...placesOf(batch, this.#place)];
    // What a copy reads is never a replay: read again, it is what is there now, and may be at the same place.
    const fresh = batch.chunk === null ? places.filter(({ place }) => this.#isNew(place)) : places;
    const cursor = new RowCursor(batch);
    for (const [index, { place, row, change, range }] of fresh.entries()) {
      this.#place = place;
      const last = index === fresh.length - 1 && batch.checkpoint !== null;
      if (last) this.#checkpoint = batch.checkpoint;
      const token = formatToken({ checkpoint: this.#checkpoint, place });
      if (change !== null) yield { op: 'schema', table: tableName(change.table), change, token };
      else if (range !== null) yield rangeChange(range, token);
      else yield rowChange(cursor.at(row), token);
    }
    if (fresh.length > 0 || batch.checkpoint === null) return;
    this.#checkpoint = batch.checkpoint;
    const place = this.#place ?? this.#resume?.place ?? { position: batch.checkpoint.position, ordinal: 0, step: 0 };
    if (batch.rows === 0) yield { op: 'checkpoint', token: formatToken({ checkpoint: batch.checkpoint, place }) };
  }

  #isNew(place: ChangePlace): boolean {
    return this.#resume === null || comparePlaces(place, this.#resume.place) > 0;
  }
}

interface Placed {
  readonly place: ChangePlace;
  readonly row: number;
  readonly change: SchemaChange | null;
  readonly range: TableRange | null;
}

interface TableRange {
  readonly shape: Table;
  readonly range: KeyRange;
}

/** The batch's changes of shape and rows with their places; logical messages are no changes of rows. */
function* placesOf(batch: Batch, before: ChangePlace | null): Generator<Placed> {
  const first = firstPlace(batch, before);
  for (const [step, change] of batch.schemaChanges.entries()) yield { place: { ...first, step }, row: -1, change, range: null };
  const range = rangeOf(batch);
  if (range !== null) yield { place: { position: first.position, ordinal: 0, step: 0 }, row: -1, change: null, range };
  for (let row = 0; row < batch.rows; row++) {
    if (batch.table[row] === NO_TABLE) continue;
    const { position } = batch.commits[batch.commit[row]!]!;
    yield { place: { position, ordinal: batch.ordinal[row]!, step: ROW_STEP }, row, change: null, range: null };
  }
}

/** Where changes of the shape stand: in front of the batch's first row, or else of the row that would come next. */
function firstPlace(batch: Batch, before: ChangePlace | null): Omit<ChangePlace, 'step'> {
  if (batch.rows > 0) return { position: batch.commits[batch.commit[0]!]!.position, ordinal: batch.ordinal[0]! };
  const position = batch.commits[0]?.position ?? batch.checkpoint?.position ?? before?.position ?? '';
  return { position, ordinal: before?.position === position ? before.ordinal + 1 : 0 };
}

function rangeOf({ chunk, tables }: Batch): TableRange | null {
  return chunk === null || chunk.range === null ? null : { shape: tables[chunk.table]!, range: chunk.range };
}

function rangeChange({ shape, range }: TableRange, token: string): Change {
  const row = (key: Key | null): Row | null => {
    if (key === null) return null;
    return Object.fromEntries(
      shape.key.map((column, part) => {
        const { name, type } = shape.columns[column]!;
        return [name, keyValue(key[part]!, type)];
      }),
    );
  };
  return { op: 'range', table: tableName(shape), shape, after: row(range.after), upTo: row(range.upTo), token };
}

function rowChange(cursor: RowCursor, token: string): Change {
  const { table: shape, commit, ordinal, after, before } = cursor;
  const base = { table: tableName(shape), shape, commit, ordinal, token };
  switch (cursor.op) {
    case Op.insert:
      return { ...base, op: 'insert', after: image(after, shape) };
    case Op.read:
      return { ...base, op: 'read', after: image(after, shape) };
    case Op.delete:
      return { ...base, op: 'delete', before: image(before, shape) };
    case Op.truncate:
      return { ...base, op: 'truncate' };
    default: {
      const unchanged = shape.columns.filter((_, index) => after.isUnchanged(index)).map(({ name }) => name);
      const old = before.exists ? image(before, shape) : null;
      return { ...base, op: 'update', after: image(after, shape), unchanged, before: old };
    }
  }
}

function image(cursor: ImageCursor, { columns }: Table): Row {
  const row: Record<string, RowValue> = {};
  for (const [index, { name, type }] of columns.entries()) {
    const value = rowValue(cursor, index, type);
    if (value !== undefined) row[name] = value;
  }
  return row;
}
