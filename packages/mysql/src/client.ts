import type { Socket } from 'node:net';
import type { Connection, QueryError } from 'mysql2';
import type { Target } from './connection/target.ts';

/** A row as the server sent it: the text of each cell, NULL as null. The bytes are valid until the next row comes. */
export type Row = readonly (Buffer | null)[];

/** What a statement answered. */
export interface Answer {
  /** Names of the columns; none for a statement without rows. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** Rows that an UPDATE found or another statement changed: sessions have CLIENT_FOUND_ROWS. */
  readonly count: number;
  readonly warnings: number;
}

/** Bytes that a statement leaves free in front of it: the packet's header, the command, and two of the query's attributes. */
export const STATEMENT_HEADER = 7;

/** How long a server may take to let go of a connection that was closed politely, in ms. */
const GOODBYE_MS = 2_000;

/** Parts of mysql2 that it does not declare. */
interface Inner {
  readonly stream: Socket;
  addCommand(command: Command): void;
  writePacket(packet: Packet): void;
  readonly config: { readonly clientFlags: number };
  readonly serverCapabilityFlags?: number;
}

interface Command {
  start: (packet: unknown, connection: Inner) => unknown;
  resultsetHeader: unknown;
}

type CreateQuery = (options: object, onResult: OnResult, unused: undefined, config: object) => Command;

interface Packet {
  readonly buffer: Buffer;
  readonly _name: string;
  length(): number;
  writeHeader(sequenceId: number): void;
}

type OnResult = (error: QueryError | null, rows?: unknown, fields?: { name: string }[]) => void;

const CLIENT_QUERY_ATTRIBUTES = 1 << 27;
const COM_QUERY = 0x03;

/** A connection, one statement at a time. Cells stay the bytes that the server sent. */
export class MysqlClient {
  readonly target: Target;
  readonly #connection: Connection;

  /** @param connection logged in; to be made by `connect` */
  constructor(connection: Connection, target: Target) {
    this.#connection = connection;
    this.target = target;
  }

  get socket(): Socket {
    return (this.#connection as unknown as Inner).stream;
  }

  /** The id of the connection that whoever answered the login gave it, 32 bits: of a proxy, where one is in between. */
  get connectionId(): number {
    return this.#connection.threadId;
  }

  /** Runs a statement. Rejects with mysql2's own error: see `serverError`. */
  async run(sql: string): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      this.#connection.query({ sql, ...RAW }, answering(resolve, reject) as never);
    });
  }

  /**
   * Runs a statement that is UTF-8 bytes already, so that nothing of it becomes a string.
   * @param frame from {@link STATEMENT_HEADER} on the statement; not to be touched until the answer is here
   * @param end where the statement ends
   */
  async send(frame: Buffer, end: number): Promise<Answer> {
    const inner = this.#connection as unknown as Inner;
    return await new Promise((resolve, reject) => {
      const { createQuery } = this.#connection.constructor as unknown as { readonly createQuery: CreateQuery };
      const command = createQuery({ sql: '', ...RAW }, answering(resolve, reject), undefined, inner.config);
      command.start = (_packet, connection) => {
        connection.writePacket(statementPacket(frame, end, connection));
        return command.resultsetHeader;
      };
      inner.addCommand(command);
    });
  }

  /** Runs a short statement that is UTF-8 bytes already, and may hold any bytes in a literal. */
  async sendText(sql: Buffer): Promise<Answer> {
    const frame = Buffer.concat([Buffer.alloc(STATEMENT_HEADER), sql]);
    return await this.send(frame, frame.length);
  }

  /** Runs a query whose rows come one by one; the server waits while nobody takes them (invariant 8). */
  rows(sql: string): AsyncIterable<Row> {
    return this.#connection.query({ sql, ...RAW }).stream({ highWaterMark: 64 }) as AsyncIterable<Row>;
  }

  /**
   * Sends a query and hands its answer over as the socket reads it: plain packets, numbered from 1, with EOF packets around the rows,
   * since no more was agreed at the login. Nothing is allocated for a row.
   * @param take gets what arrives, valid until it returns; true when the answer is whole, and the connection is free again. What it
   * throws costs the connection
   */
  async packets(sql: string, take: (chunk: Buffer) => boolean): Promise<void> {
    const inner = this.#connection as unknown as Inner;
    const { stream } = inner;
    if (stream.destroyed) throw new Error('the connection is closed');
    const others = stream.listeners('data') as ((chunk: Buffer) => void)[];
    const answered = Promise.withResolvers<void>();
    const failed = (error: Error): void => answered.reject(error);
    const closed = (): void => answered.reject(new Error('the server closed the connection'));
    const arrived = (chunk: Buffer): void => {
      try {
        if (take(chunk)) answered.resolve();
      } catch (error) {
        stream.destroy();
        answered.reject(error);
      }
    };
    stream.on('data', arrived);
    for (const other of others) stream.off('data', other);
    stream.on('error', failed);
    stream.on('close', closed);
    try {
      const frame = Buffer.from(`${'\0'.repeat(STATEMENT_HEADER)}${sql}`);
      const packet = statementPacket(frame, frame.length, inner);
      packet.writeHeader(0);
      stream.write(packet.buffer);
      await answered.promise;
    } finally {
      for (const other of others) stream.on('data', other);
      stream.off('data', arrived);
      stream.off('error', failed);
      stream.off('close', closed);
    }
  }

  /**
   * Ends the connection and waits until the server has let go, a moment at most. Does not fail.
   * @param isPolite with a goodbye; else it is cut
   */
  async close(isPolite = true): Promise<void> {
    const { socket } = this;
    const closed = new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())));
    if (!isPolite) socket.destroy();
    const late = setTimeout(() => socket.destroy(), GOODBYE_MS);
    try {
      this.#connection.end(() => socket.destroy());
    } catch {
      socket.destroy();
    }
    await closed;
    clearTimeout(late);
  }
}

const RAW = { typeCast: false, rowsAsArray: true } as const;

function answering(resolve: (answer: Answer) => void, reject: (error: unknown) => void): OnResult {
  return (error, rows, fields) => {
    if (error !== null && error !== undefined) return reject(error);
    if (Array.isArray(rows)) {
      return resolve({ columns: (fields ?? []).map(({ name }) => name), rows: rows as Row[], count: rows.length, warnings: 0 });
    }
    const { affectedRows = 0, warningStatus = 0 } = (rows ?? {}) as { affectedRows?: number; warningStatus?: number };
    resolve({ columns: [], rows: [], count: affectedRows, warnings: warningStatus });
  };
}

/** COM_QUERY: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query.html */
function statementPacket(frame: Buffer, end: number, { config, serverCapabilityFlags = 0 }: Inner): Packet {
  const hasAttributes = (config.clientFlags & serverCapabilityFlags & CLIENT_QUERY_ATTRIBUTES) !== 0;
  const start = hasAttributes ? 0 : 2;
  const buffer = frame.subarray(start, end);
  buffer[4] = COM_QUERY;
  if (hasAttributes) {
    buffer[5] = 0;
    buffer[6] = 1;
  }
  return {
    buffer,
    _name: 'Statement',
    length: () => buffer.length - 4,
    writeHeader: (sequenceId) => {
      buffer.writeUIntLE(buffer.length - 4, 0, 3);
      buffer[3] = sequenceId;
    },
  };
}

/** While it stands, an abort cuts the connection, so that whatever waits for the server fails at once. */
export function cutOnAbort(client: MysqlClient, signal: AbortSignal): Disposable {
  const cut = (): void => void client.socket.destroy(new Error('aborted'));
  signal.addEventListener('abort', cut);
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', cut) };
}
