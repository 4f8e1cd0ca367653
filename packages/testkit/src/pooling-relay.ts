import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** BackendKeyData: its letter and length. */
const KEY = Buffer.from([0x4b, 0, 0, 0, 0x0c]);
/** A parameter of a startup message, between its zeros. */
const REPLICATION = '\0replication\0';

/** A PostgreSQL pooler of no name: cancel keys of its own, and no replication. Everything else goes through to the server. */
export async function poolingRelay(url: string): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(Number(new URL(url).port), '127.0.0.1');
    let keyed = false;
    client.on('data', (bytes: Buffer) => {
      if (bytes.includes(REPLICATION)) client.end(errorResponse('08P01', 'replication is not supported'));
      else behind.write(bytes);
    });
    behind.on('data', (bytes: Buffer) => {
      const key = keyed ? -1 : bytes.indexOf(KEY);
      if (key >= 0) bytes.writeInt32BE(1, key + KEY.length);
      keyed ||= key >= 0;
      client.write(bytes);
    });
    for (const [socket, other] of [[client, behind], [behind, client]] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const relayed = Object.assign(new URL(url), { port: String((server.address() as AddressInfo).port) });
  return {
    url: relayed.href,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function errorResponse(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
