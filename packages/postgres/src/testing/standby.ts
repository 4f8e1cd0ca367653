import { chown, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgres, temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';

/** A server that a test stops and starts again, as a primary or as a standby that waits for log which never comes. */
export class SwitchingServer implements AsyncDisposable {
  readonly #temporary: TemporaryPostgres;
  readonly #signalFile: string;
  #again: EmbeddedPostgres | null = null;

  private constructor(temporary: TemporaryPostgres, data: string) {
    this.#temporary = temporary;
    this.#signalFile = join(data, 'standby.signal');
  }

  static async start(): Promise<SwitchingServer> {
    const temporary = await temporaryPostgres({ fsync: 'off' });
    const client = new pg.Client({ connectionString: temporary.url });
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    await client.end();
    return new SwitchingServer(temporary, rows[0]!.data_directory);
  }

  get url(): string {
    return this.#again?.url ?? this.#temporary.url;
  }

  get port(): number {
    return this.#again?.port ?? this.#temporary.port;
  }

  /** `host:port`, for a URL of several hosts. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async become(role: 'primary' | 'standby'): Promise<void> {
    await (this.#again ?? this.#temporary).stop();
    const { directory } = this.#temporary;
    const { uid, gid } = await stat(directory);
    if (role === 'primary') await rm(this.#signalFile, { force: true });
    else await writeFile(this.#signalFile, '').then(() => chown(this.#signalFile, uid, gid));
    this.#again = await EmbeddedPostgres.start({ directory, settings: { fsync: 'off' } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#again?.stop();
    await this.#temporary[Symbol.asyncDispose]();
  }
}
