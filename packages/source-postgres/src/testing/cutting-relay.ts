import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Frontend messages that end a statement: a simple query, and Sync behind an extended one. */
const STATEMENT_ENDS = new Set(['Q', 'S'].map((letter) => letter.charCodeAt(0)));

/**
 * A relay before a server that cuts every connection when the server has carried out a given number of statements, over all
 * connections, and its answer to the last of them is on its way: what a client leaves behind that is killed there.
 */
export class CuttingRelay implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #left: number;
  #isCut = false;

  private constructor(server: Server, target: number, statements: number) {
    this.#server = server;
    this.#target = target;
    this.#left = statements;
    server.on('connection', (client) => this.#join(client));
  }

  /** @param statements how many are answered, but the last */
  static async listen(target: number, statements: number): Promise<CuttingRelay> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttingRelay(server, target, statements);
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** The same URL by way of the relay. */
  through(url: string): string {
    const relayed = new URL(url);
    relayed.port = String((this.#server.address() as AddressInfo).port);
    return relayed.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #join(client: Socket): void {
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    const statements = new StatementCount();
    let isLast = false;
    client.on('data', (bytes: Buffer) => {
      this.#left -= statements.count(bytes);
      isLast ||= this.#left <= 0;
      server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => {
      if (isLast) this.#cut();
      else client.write(bytes);
    });
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}

/** Counts the ends of statements in what a client sends. */
class StatementCount {
  #rest = Buffer.alloc(0);
  /** The first message, which starts a session, has no letter. */
  #isStarted = false;

  count(bytes: Buffer): number {
    let rest = Buffer.concat([this.#rest, bytes]);
    let ends = 0;
    while (true) {
      const letters = this.#isStarted ? 1 : 0;
      if (rest.length < letters + 4) break;
      const length = letters + rest.readUInt32BE(letters);
      if (rest.length < length) break;
      if (this.#isStarted && STATEMENT_ENDS.has(rest[0]!)) ends++;
      this.#isStarted = true;
      rest = rest.subarray(length);
    }
    this.#rest = rest;
    return ends;
  }
}
