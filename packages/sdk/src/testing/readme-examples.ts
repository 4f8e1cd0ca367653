/** The examples of README.md, which quotes this file block by block; a test compares the two. */
import { z } from 'zod';
import {
  BatchBuilder,
  NULL_CELL,
  Op,
  RowCursor,
  WeirError,
  filterRows,
  forEachTable,
  packVersion,
  secret,
  type Batch,
  type Checkpoint,
  type Commit,
  type FlushedSession,
  type Secret,
  type SinkConnector,
  type SourceSession,
  type SourceStatus,
  type Table,
  type Transform,
} from '../index.ts';

// begin table
const clicks: Table = {
  namespace: 'web',
  name: 'clicks',
  version: 1,
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nullable: false, sourceType: 'integer' },
    { name: 'page', type: { kind: 'string' }, nullable: true, sourceType: 'string' },
    { name: 'at', type: { kind: 'timestamptz' }, nullable: false, sourceType: 'date-time' },
  ],
  key: [0],
};
// end

export interface Click {
  readonly id: number;
  readonly page: string | null;
  readonly at: Date;
}

export type FetchPage = (after: number, signal: AbortSignal) => Promise<Click[]>;

/** The position of a cursor: padded, so that positions compare bytewise (invariant 2). */
function positionOf(cursor: number): string {
  return String(cursor).padStart(16, '0');
}

// begin poller
export class ClickSession implements SourceSession {
  readonly #fetchPage: FetchPage;
  #cursor: number;
  #finishAt: string | null = null;

  constructor(fetchPage: FetchPage, from: Checkpoint | null) {
    this.#fetchPage = fetchPage;
    this.#cursor = from === null ? 0 : Number(from.position);
  }

  async *batches(signal: AbortSignal): AsyncGenerator<Batch> {
    const builder = new BatchBuilder();
    if (this.#cursor === 0) builder.schemaChange({ table: clicks, change: 'create' });
    while (this.#finishAt === null || positionOf(this.#cursor) < this.#finishAt) {
      const page = await this.#fetchPage(this.#cursor, signal);
      const end = page.at(-1)?.id ?? this.#cursor;
      const version = packVersion(0, BigInt(end));
      builder.begin({ position: positionOf(end), version, time: 0, transactionId: String(end) });
      for (const { id, page: path, at } of page) builder.insert(clicks, { id, page: path, at });
      this.#cursor = end;
      yield builder.build({ position: positionOf(end), state: null });
    }
  }

  /** Nothing upstream waits for this one; a slot or a queue would be told here that it may forget. */
  async confirm(_checkpoint: Checkpoint): Promise<void> {}

  finishAt(position: string): void {
    this.#finishAt = position;
  }

  status(): SourceStatus {
    return { phase: 'stream', snapshot: [], lagBytes: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
// end

export type Send = (lines: string) => Promise<void>;

// begin sink
export class LineSession implements FlushedSession {
  readonly mode = 'at-least-once';
  readonly #send: Send;
  #lines: string[] = [];

  constructor(send: Send) {
    this.#send = send;
  }

  async write(batch: Batch): Promise<void> {
    for (const row of new RowCursor(batch)) {
      if (row.op === Op.message) continue;
      const image = row.after.exists ? row.after : row.before;
      const cells = row.table.columns.map((column, index) => [column.name, image.exists ? image.text(index) : null]);
      this.#lines.push(JSON.stringify({ op: row.op, table: row.table.name, ...Object.fromEntries(cells) }));
    }
  }

  async flush(): Promise<void> {
    await this.#send(this.#lines.join('\n'));
    this.#lines = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
// end

export interface ColumnBytes {
  readonly [table: string]: number;
}

/** Bytes of the first column by table: reads the arrays, makes nothing per row. */
export function firstColumnBytes(batch: Batch): ColumnBytes {
  const sums: Record<string, number> = {};
  // begin arrays
  forEachTable(batch, (table, rows) => {
    let bytes = 0;
    for (const row of rows) {
      const first = batch.after[row]!; // NO_IMAGE (-1) when the row has none
      if (first < 0) continue;
      const length = batch.length[first]!;
      if (length > NULL_CELL) bytes += length; // its bytes are batch.data[start, start + length)
    }
    sums[table.name] = bytes;
  });
  // end
  return sums;
}

// begin transform
export const withoutTruncates: Transform = {
  name: 'without-truncates',
  apply(batch) {
    const kept = filterRows(batch, (row) => batch.op[row] !== Op.truncate);
    return { batch: kept, rejected: [], filtered: batch.rows - kept.rows, made: 0 };
  },
};
// end

interface LineConfig {
  readonly url: string;
  readonly token: Secret;
}

// begin connector
export const lines: SinkConnector<LineConfig> = {
  kind: 'sink',
  name: 'lines',
  summary: 'POSTs each row as a line of JSON',
  delivery: { class: 'D', mechanism: 'each flush is one request', limit: 'a request is sent again when its answer is lost' },
  schema: z.strictObject({ url: z.url(), token: secret }),
  create({ url, token }, _options, { log }) {
    log.info({ url }, 'lines'); // the token would print as ***
    return {
      open: async (_shard, signal) => new LineSession((body) => post(url, token, body, signal)),
      check: async () => [{ code: 'OK', level: 'ok', message: `${url} is a URL` }],
    };
  },
};
// end

async function post(url: string, token: Secret, body: string, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${token.reveal()}` };
  const response = await fetch(url, { method: 'POST', headers, body, signal });
  // begin error
  if (!response.ok) {
    throw new WeirError('WEIR_INTERNAL', `${url} answered ${response.status}`, { fix: 'Look into the log of that server.' });
  }
  // end
}

/** One transaction, for the test of the examples. */
export const sampleCommit: Commit = { position: positionOf(1), version: 1n, time: 0, transactionId: '1' };
export { clicks };
