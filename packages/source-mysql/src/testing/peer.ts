import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** The two ends of a connection on this machine. */
export class Peers implements AsyncDisposable {
  readonly client: Socket;
  readonly server: Socket;
  readonly #listener: Server;

  private constructor(client: Socket, server: Socket, listener: Server) {
    this.client = client;
    this.server = server;
    this.#listener = listener;
  }

  static async connected(): Promise<Peers> {
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const accepted = once(listener, 'connection') as Promise<[Socket]>;
    const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
    await once(client, 'connect');
    const [server] = await accepted;
    server.on('error', () => {});
    return new Peers(client, server, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    this.server.destroy();
    this.#listener.close();
    await once(this.#listener, 'close');
  }
}
