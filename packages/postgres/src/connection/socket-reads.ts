import { Socket } from 'node:net';

/** A server sends 8 KiB at a time; more comes at once where it is ahead. */
const READ_BYTES = 64 << 10;

/** Who gets what a socket of {@link oneBufferSocket} reads. */
const takers = new WeakMap<Socket, (chunk: Buffer) => void>();

/**
 * A socket that reads into one buffer, over and over, in the place of a new one for each read: making and collecting those costs
 * more than the reads. `data` listeners get copies until `takeReads`.
 */
export function oneBufferSocket(): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const socket: Socket = new Socket({
    onread: {
      buffer,
      callback: (bytes: number): boolean => {
        const chunk = buffer.subarray(0, bytes);
        const take = takers.get(socket);
        if (take === undefined) socket.emit('data', Buffer.from(chunk));
        else take(chunk);
        return true;
      },
    },
  });
  return socket;
}

/** Has everything from now on given to `take`, each chunk valid until it returns. Also of other sockets, such as those of TLS. */
export function takeReads(socket: Socket, take: (chunk: Buffer) => void): void {
  takers.set(socket, take);
  socket.on('data', take);
}
