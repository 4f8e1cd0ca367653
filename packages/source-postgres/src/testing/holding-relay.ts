import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A relay before a server that holds back the first message with a text, does something, and then passes it on: what others
 * do between two statements of a client.
 */
export class HoldingRelay implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #held: { readonly text: string; readonly work: () => Promise<unknown> } | null = null;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (client) => this.#join(client));
  }

  static async listen(target: string): Promise<HoldingRelay> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HoldingRelay(server, Number(new URL(target).port));
  }

  /** Whether the message that was asked for has not come. */
  get isWaiting(): boolean {
    return this.#held !== null;
  }

  /** Before the next message with a text, whoever sends it. */
  before(text: string, work: () => Promise<unknown>): void {
    this.#held = { text, work };
  }

  /** The same URL by way of the relay. */
  through(url: string): string {
    const relayed = new URL(url);
    relayed.port = String((this.#server.address() as AddressInfo).port);
    return relayed.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    client.on('data', (bytes: Buffer) => {
      const held = this.#held;
      if (held === null || !bytes.includes(held.text)) {
        server.write(bytes);
        return;
      }
      this.#held = null;
      client.pause();
      const passOn = (): void => {
        server.write(bytes);
        client.resume();
      };
      // What fails has its own expectations.
      void held.work().then(passOn, passOn);
    });
    server.on('data', (bytes: Buffer) => client.write(bytes));
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
