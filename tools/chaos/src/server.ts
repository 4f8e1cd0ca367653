import { EmbeddedPostgres, FaultyProxy, temporaryPostgres, type StopMode, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import { childrenOf } from './processes.ts';

/** A PostgreSQL that can be stopped, started and paused, behind a proxy whose port stays. */
export class ChaosServer implements AsyncDisposable {
  readonly proxy: FaultyProxy;
  readonly #first: TemporaryPostgres;
  readonly #settings: Readonly<Record<string, string>>;
  #now: { readonly url: string; readonly port: number; readonly pid: number; stop(mode?: StopMode): Promise<void> };

  private constructor(server: TemporaryPostgres, proxy: FaultyProxy, settings: Readonly<Record<string, string>>) {
    this.#first = server;
    this.#now = server;
    this.proxy = proxy;
    this.#settings = settings;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<ChaosServer> {
    const server = await temporaryPostgres(settings);
    return new ChaosServer(server, await FaultyProxy.listen(server.port), settings);
  }

  /** Of the server itself, past the proxy; another one after each start. */
  url(database = 'postgres'): string {
    return this.#now.url.replace(/\/[^/]*$/, `/${database}`);
  }

  /** By way of the proxy. */
  proxiedUrl(database = 'postgres'): string {
    return this.proxy.through(this.url(database));
  }

  /** Holds the data. */
  get directory(): string {
    return this.#first.directory;
  }

  async stop(mode: StopMode): Promise<void> {
    this.proxy.target = 0;
    await this.#now.stop(mode);
  }

  async startAgain(): Promise<void> {
    const { directory, version } = this.#first;
    const server = await EmbeddedPostgres.start({ directory, version, settings: this.#settings });
    // The first one's disposal stops whichever runs.
    server.leaveRunning();
    this.#now = server;
    this.proxy.target = server.port;
  }

  /** SIGSTOP or SIGCONT to the server and all its children. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const parent = this.#now.pid;
    for (const pid of [parent, ...childrenOf(parent)]) {
      try {
        process.kill(pid, signal);
      } catch {
        // A child that has ended since.
      }
    }
  }

  /** Asks the server itself, in one transaction when there are several statements. */
  async ask(database: string, sql: string): Promise<Record<string, string | null>[]> {
    const client = new pg.Client({
      connectionString: this.url(database),
      connectionTimeoutMillis: 5000,
      types: { getTypeParser: () => (text: unknown) => text } as unknown as pg.CustomTypesConfig,
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Record<string, string | null>>(sql)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGCONT');
    await this.proxy[Symbol.asyncDispose]();
    await this.#first[Symbol.asyncDispose]();
  }
}
