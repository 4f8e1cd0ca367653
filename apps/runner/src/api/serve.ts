import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { WeirError } from '@weir/sdk';
import type { FastifyInstance } from 'fastify';
import type { Config, HttpAddress } from '../config/config.ts';
import { httpUrl } from '../config/http-address.ts';
import { buildApi } from './app.ts';
import type { ApiHost } from './host.ts';
import { claimSocketPath, releaseSocketPath } from './socket-path.ts';

/** The API while it is served. */
export interface ApiServer extends AsyncDisposable {
  readonly socketPath: string;
  /** `http://127.0.0.1:9464`; null when HTTP is off. */
  readonly httpUrl: string | null;
}

/**
 * Serves the API on a Unix socket in the state directory and, where configured, on loopback HTTP.
 * Call it while holding the store's lock. @throws WeirError WEIR_HTTP_LISTEN, WEIR_STORE_OPEN
 */
export async function serveApi(
  config: Pick<Config, 'stateDirectory' | 'http' | 'place'>,
  host: ApiHost,
): Promise<ApiServer> {
  await using started = new AsyncDisposableStack();
  const socketPath = await listenOnSocket(config.stateDirectory, buildApi(host, 'private'), started);
  const url = config.http === null ? null : await listenOnHttp(config.http, config, buildApi(host, 'public'), started);
  const serving = started.move();
  return { socketPath, httpUrl: url, [Symbol.asyncDispose]: () => serving.disposeAsync() };
}

/** Only this user may connect: the socket is made with mode 0600, there is no moment with a wider one. */
async function listenOnSocket(stateDirectory: string, app: FastifyInstance, started: AsyncDisposableStack): Promise<string> {
  try {
    mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
    const path = claimSocketPath(stateDirectory);
    await app.ready();
    const { server } = app;
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
    await once(server, 'listening');
    started.defer(async () => {
      releaseSocketPath(stateDirectory, path);
      server.close();
      server.closeAllConnections();
      await app.close();
    });
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new WeirError('WEIR_STORE_OPEN', `no socket could be made in ${stateDirectory} (${code})`, { cause: error });
  }
}

async function listenOnHttp(
  address: HttpAddress,
  config: Pick<Config, 'place'>,
  app: FastifyInstance,
  started: AsyncDisposableStack,
): Promise<string> {
  started.defer(() => app.close());
  try {
    await app.listen(address);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'EADDRINUSE' ? 'another process listens there' : String(code);
    const options = { path: 'http', place: config.place(['http']), cause: error };
    throw new WeirError('WEIR_HTTP_LISTEN', `${httpUrl(address)} cannot be served: ${reason}`, options);
  }
  return httpUrl({ host: address.host, port: (app.server.address() as AddressInfo).port });
}
