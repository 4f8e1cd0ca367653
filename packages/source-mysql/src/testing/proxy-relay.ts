import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** In front of a server's version in its greeting: the packet's header, and the protocol's number. */
const VERSION_AT = 5;

/** A proxy of no name: whoever comes gets an id of its own making, another one than the server knows. Everything else goes through. */
export async function proxyRelay(url: string): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(url);
  const listener = createServer((client) => {
    const server = connect(Number(port), hostname);
    server.once('data', (greeting: Buffer) => {
      const idAt = greeting.indexOf(0, VERSION_AT) + 1;
      greeting.writeUInt32LE((greeting.readUInt32LE(idAt) + 1) >>> 0, idAt);
      client.write(greeting);
      server.pipe(client);
    });
    client.pipe(server);
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: Object.assign(new URL(url), { host: `127.0.0.1:${(listener.address() as AddressInfo).port}` }).href,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
