import type { AddressInfo, Server as NetServer } from 'node:net';
import { once } from 'node:events';
import { createServer, type Connection } from 'mysql2';

/** What a statement is answered with: rows of texts under column names, an error, a count, or nothing at all. */
export type Reply =
  | { readonly columns: readonly string[]; readonly rows: readonly (readonly (string | null)[])[] }
  | { readonly errno: number; readonly message: string }
  | { readonly count: number }
  | 'silence'
  | 'hang up';

/** mysql2's own server side, which answers what it is told to. */
export class ScriptedServer implements AsyncDisposable {
  /** The statements that came, after those of connecting. */
  readonly statements: string[] = [];
  readonly #server: NetServer;
  readonly #connections: Connection[] = [];

  private constructor(server: NetServer) {
    this.#server = server;
  }

  /** @param refuses the login */
  static async start(reply: (sql: string) => Reply, { refuses = false } = {}): Promise<ScriptedServer> {
    const server = createServer((connection) => {
      const peer = connection as unknown as Peer;
      scripted.#connections.push(connection);
      connection.on('error', () => {});
      peer.serverHandshake({
        protocolVersion: 10,
        serverVersion: '9.7.0',
        connectionId: 1,
        statusFlags: 2,
        characterSet: 45,
        capabilityFlags: 0xffffff,
        authCallback: (_: unknown, done: (error: null, refusal?: object) => void) => {
          done(null, refuses ? { message: 'Access denied for user', code: 1045 } : undefined);
          peer.sequenceId = 0;
        },
      });
      // mysql2 takes a SET for one.
      connection.on('stmt_prepare', () => {
        answer(peer, { count: 0 });
        peer.sequenceId = 0;
      });
      connection.on('query', (sql: string) => {
        scripted.statements.push(sql);
        answer(peer, reply(sql));
        peer.sequenceId = 0;
      });
    });
    const inner = (server as unknown as { _server: NetServer })._server;
    const scripted = new ScriptedServer(inner);
    inner.listen(0, '127.0.0.1');
    await once(inner, 'listening');
    return scripted;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) (connection as unknown as Peer).stream.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

interface Peer {
  readonly stream: { destroy(): void };
  serverHandshake(options: object): void;
  writeOk(answer?: object): void;
  writeError(error: object): void;
  writeTextResult(rows: readonly object[], columns: readonly object[]): void;
  /** Of the next packet. */
  sequenceId: number;
}

const VAR_STRING = 253;

function answer(peer: Peer, reply: Reply): void {
  if (reply === 'silence') return;
  peer.sequenceId = 1;
  if (reply === 'hang up') return peer.stream.destroy();
  if ('errno' in reply) return peer.writeError({ code: reply.errno, message: reply.message });
  if ('count' in reply) return peer.writeOk({ affectedRows: reply.count });
  const columns = reply.columns.map((name) => ({
    catalog: 'def',
    schema: 'test',
    table: 't',
    orgTable: 't',
    name,
    orgName: name,
    characterSet: 45,
    columnLength: 384,
    columnType: VAR_STRING,
    flags: 0,
    decimals: 0,
  }));
  peer.writeTextResult(
    reply.rows.map((row) => Object.fromEntries(reply.columns.map((name, index) => [name, row[index]]))),
    columns,
  );
}
