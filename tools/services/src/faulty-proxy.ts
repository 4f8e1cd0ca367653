import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What waits for the next message with a text, whoever sends it. */
interface Trap {
  readonly text: string;
  /** Called once, with the connection that sent it. */
  readonly spring: (connection: Connection) => void;
}

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** The server's next answer is not passed on; the connection is reset instead. */
  isAnswerDropped: boolean;
}

/**
 * A TCP proxy on a port that stays, before a server whose port may change, and everything that a network can do to a client:
 * it refuses, resets, falls silent, is slow, and loses the answer to what the server has done.
 */
export class FaultyProxy implements AsyncDisposable {
  /** The server's port; 0 while there is none, and connections are refused. */
  target: number;
  /** How long each piece waits before it is passed on, in ms. */
  delayMs = 0;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** Bytes until the connection that passes the last of them is reset. */
  #bytesLeft = Infinity;
  #trap: Trap | null = null;
  #isSilent = false;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.target = target;
    server.on('connection', (client) => this.#join(client));
  }

  static async listen(target: number): Promise<FaultyProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultyProxy(server, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The same URL by way of the proxy. */
  through(url: string): string {
    const proxied = new URL(url);
    proxied.port = String(this.port);
    return proxied.href;
  }

  /** Resets every connection. @returns how many there were */
  cut(): number {
    const connections = [...this.#connections];
    for (const connection of connections) reset(connection);
    return connections.length;
  }

  /** Resets the connection that passes the last of so many bytes, counted over all connections and both directions. */
  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  /** While silent nothing passes and nothing is closed: a cable that was pulled out. */
  set isSilent(isSilent: boolean) {
    this.#isSilent = isSilent;
    for (const { client, server } of this.#connections) {
      for (const socket of [client, server]) socket[isSilent ? 'pause' : 'resume']();
    }
  }

  /**
   * Has the server carry out the next message with a text, and resets the connection in place of its answer.
   * @returns resolves when that has happened
   */
  async dropAnswerTo(text: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#trap = {
      text,
      spring: (connection) => {
        connection.isAnswerDropped = true;
        connection.client.once('close', () => resolve());
      },
    };
    const aborted = once(signal, 'abort');
    await (signal.aborted ? undefined : Promise.race([promise, aborted]));
    this.#trap = null;
    signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    if (this.target === 0) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    const connection: Connection = { client, server, isAnswerDropped: false };
    this.#connections.add(connection);
    client.on('data', (bytes: Buffer) => {
      const trap = this.#trap;
      if (trap !== null && bytes.includes(trap.text)) {
        this.#trap = null;
        trap.spring(connection);
      }
      this.#pass(connection, client, server, bytes);
    });
    server.on('data', (bytes: Buffer) => {
      if (connection.isAnswerDropped) reset(connection);
      else this.#pass(connection, server, client, bytes);
    });
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      socket.on('drain', () => this.#isSilent || other.resume());
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#connections.delete(connection);
        other.destroy();
      });
      if (this.#isSilent) socket.pause();
    }
  }

  #pass(connection: Connection, from: Socket, to: Socket, bytes: Buffer): void {
    const passed = bytes.subarray(0, Math.min(bytes.length, this.#bytesLeft));
    this.#bytesLeft -= passed.length;
    const isLast = this.#bytesLeft <= 0;
    if (isLast) this.#bytesLeft = Infinity;
    const pass = (): void => {
      if (isLast) to.write(passed, () => reset(connection));
      else if (!to.write(passed)) from.pause();
      else if (!this.#isSilent) from.resume();
    };
    if (this.delayMs === 0) return pass();
    // Pieces stay in order: the next one is not read before this one has gone.
    from.pause();
    setTimeout(pass, this.delayMs).unref();
  }
}

function reset({ client, server }: Connection): void {
  for (const socket of [client, server]) socket.resetAndDestroy();
}
