import { chown, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryPostgres, type TemporaryPostgres } from '@weir/services';
import pg from 'pg';
import type { Issued } from './certificates.ts';

/** A server that speaks TLS, of which a test changes certificate and rules while it runs. */
export class TlsServer implements AsyncDisposable {
  readonly #server: TemporaryPostgres;
  readonly #data: string;

  private constructor(server: TemporaryPostgres, data: string) {
    this.#server = server;
    this.#data = data;
  }

  /** @param rules lines of pg_hba.conf in front of those that are there */
  static async start(identity: Issued, { authority, rules }: { authority: string; rules: string[] }): Promise<TlsServer> {
    const server = await temporaryPostgres({ fsync: 'off' });
    const data = await adminValue(server.url, 'SHOW data_directory');
    const tls = new TlsServer(server, data);
    await tls.#write('authority.pem', authority);
    const hba = join(data, 'pg_hba.conf');
    await tls.#write('pg_hba.conf', `${rules.join('\n')}\n${await readFile(hba, 'utf8')}`);
    await tls.present(identity);
    return tls;
  }

  get port(): number {
    return this.#server.port;
  }

  async sql(text: string): Promise<void> {
    await adminValue(this.#server.url, text);
  }

  /** From now on the server is this one. Settings are read by the postmaster, so the wait is for it. */
  async present({ cert, key }: Issued): Promise<void> {
    const name = `server-${Date.now()}-${Math.random()}.pem`;
    await this.#write(name, cert);
    await this.#write(`key-${name}`, key);
    await this.sql(`ALTER SYSTEM SET ssl_ca_file = 'authority.pem'`);
    await this.sql(`ALTER SYSTEM SET ssl_cert_file = '${name}'`);
    await this.sql(`ALTER SYSTEM SET ssl_key_file = 'key-${name}'`);
    await this.sql('ALTER SYSTEM SET ssl = on');
    await this.sql('SELECT pg_reload_conf()');
    while ((await adminValue(this.#server.url, 'SHOW ssl_cert_file')) !== name);
    while ((await adminValue(this.#server.url, 'SHOW ssl')) !== 'on');
  }

  /** Under its name at once whole, and the server's own. */
  async #write(name: string, text: string): Promise<void> {
    const file = join(this.#data, name);
    const { uid, gid } = await stat(this.#data);
    await writeFile(`${file}.new`, text, { mode: 0o600 });
    await chown(`${file}.new`, uid, gid);
    await rename(`${file}.new`, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

async function adminValue(url: string, sql: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return String(rows[0]?.[0]);
  } finally {
    await client.end();
  }
}
