import { Writable } from 'node:stream';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { COPY_HEADER, CopyWriter } from './copy-writer.ts';

/** What `pg` calls of a query that it was given. */
interface Submitted {
  submit(connection: unknown): void;
  handleCommandComplete(message: { text: string }): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
}

/** A client of `pg` that holds the one query it was given until a test lets it run, and keeps the bytes that were sent. */
class HeldClient {
  readonly sent: string[] = [];
  submitted!: Submitted;
  /** Lets the connection take what was sent; null while it takes everything at once. */
  take: (() => void) | null = null;
  readonly #slow: boolean;
  #bytes = '';

  constructor({ slow = false } = {}) {
    this.#slow = slow;
  }

  readonly connection = {
    query: (sql: string) => void this.sent.push(sql),
    stream: new Writable({
      write: (chunk: Buffer, _encoding, taken) => {
        this.#bytes += chunk.toString('latin1');
        if (this.#slow) this.take = taken;
        else taken();
      },
    }),
  };

  query(query: Submitted): void {
    this.submitted = query;
  }

  run(): void {
    this.submitted.submit(this.connection);
  }

  start(): CopyWriter {
    return CopyWriter.start(this as unknown as pg.Client, 'COPY t FROM STDIN');
  }

  /** What was sent since the last call. */
  async bytes(): Promise<string> {
    await new Promise(setImmediate);
    const bytes = this.#bytes;
    this.#bytes = '';
    return bytes;
  }
}

function frame(text: string): Buffer {
  return Buffer.concat([Buffer.alloc(COPY_HEADER), Buffer.from(text)]);
}

test('sends frames as CopyData when it is its turn, then CopyDone, and answers how many rows there were', async () => {
  const client = new HeldClient();
  const writer = client.start();
  const writing = writer.write(frame('1\ta\n'));
  expect(client.sent).toEqual([]);
  client.run();
  await writing;
  await writer.write(frame('2\tb\n'));
  expect(client.sent).toEqual(['COPY t FROM STDIN']);
  expect(await client.bytes()).toBe('d\0\0\0\x081\ta\nd\0\0\0\x082\tb\n');
  const ending = writer.end();
  expect(await client.bytes()).toBe('c\0\0\0\x04');
  client.submitted.handleCommandComplete({ text: 'COPY 2' });
  client.submitted.handleReadyForQuery();
  expect(await ending).toBe(2);
});

test('waits until the connection has taken a frame (invariant 8)', async () => {
  const client = new HeldClient({ slow: true });
  const writer = client.start();
  client.run();
  let taken = false;
  const writing = writer.write(frame('1\n')).then(() => (taken = true));
  expect(await client.bytes()).toBe('d\0\0\0\x061\n');
  expect(taken).toBe(false);
  client.take?.();
  await writing;
  expect(taken).toBe(true);
});

test('throws what the server answers at the next call, and sends nothing more', async () => {
  const client = new HeldClient();
  const writer = client.start();
  client.run();
  const refused = new Error('relation "t" does not exist');
  client.submitted.handleError(refused);
  await expect(writer.write(frame('1\n'))).rejects.toBe(refused);
  await expect(writer.end()).rejects.toBe(refused);
  expect(await client.bytes()).toBe('');
  await writer.fail();
});

test('of a connection that is gone before its turn fails at once', async () => {
  const client = new HeldClient();
  const writer = client.start();
  const gone = new Error('Client was closed and is not queryable');
  client.submitted.handleError(gone);
  await expect(writer.write(frame('1\n'))).rejects.toBe(gone);
});

test('that is given up lets the server undo the statement, and waits for its answer', async () => {
  const client = new HeldClient();
  const writer = client.start();
  client.run();
  await writer.write(frame('1\n'));
  await client.bytes();
  const failing = writer.fail();
  expect(await client.bytes()).toBe('f\0\0\0\x05\0');
  client.submitted.handleError(new Error('COPY from stdin failed'));
  await failing;
});
