// begin connector
import { appendFile, open } from 'node:fs/promises';
import { Op, RowCursor, tableName, toWeirError, type Batch, type FlushedSession, type Sink } from '@weir/sdk';

const ops = new Map(Object.entries(Op).map(([name, op]) => [op, name]));

/** Writes each event as a line of JSON to the end of a file: class D. */
export class EventFileSession implements FlushedSession {
  readonly mode = 'at-least-once';
  readonly #path: string;
  #lines = '';

  constructor(path: string) {
    this.#path = path;
  }

  async write(batch: Batch): Promise<void> {
    for (const row of new RowCursor(batch)) {
      if (row.op === Op.message) continue;
      const image = row.after.exists ? row.after : row.before;
      const came = row.op === Op.truncate ? [] : row.table.columns.map((column, at) => ({ column, at }));
      const cells = came.filter(({ at }) => !image.isUnchanged(at)).map(({ column, at }) => [column.name, image.text(at)] as const);
      // The place in the source's commit order is the same whenever the event comes.
      const id = `${row.commit.position}/${row.ordinal}`;
      this.#lines += `${JSON.stringify({ id, table: tableName(row.table), op: ops.get(row.op), cells: Object.fromEntries(cells) })}\n`;
    }
  }

  async flush(): Promise<void> {
    try {
      await appendFile(this.#path, this.#lines, { flush: true });
      this.#lines = '';
    } catch (error) {
      throw toWeirError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export function eventFile(path: string): Sink {
  return {
    open: async () => {
      // A line that a crash has cut off is ended, so that the next one is whole.
      const file = await open(path, 'a+');
      const { size } = await file.stat();
      if (size > 0 && (await file.read({ position: size - 1, length: 1 })).buffer[0] !== 10) await file.appendFile('\n');
      await file.close();
      return new EventFileSession(path);
    },
    check: async () => [{ code: 'OK', level: 'ok', message: `events go to ${path}` }],
  };
}
// end
