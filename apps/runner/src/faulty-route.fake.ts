import { randomBytes } from 'node:crypto';
import { silentLogger } from '@weir/sdk';
import { memoryStore } from '@weir/store';
import type { PostgresService, ToxiproxyService, ToxicProxy } from '@weir/testkit/services';
import { Client } from 'pg';
import { loadConfig } from './config/load.ts';
import { TestFolder } from './folder.fake.ts';
import { startRuntime, type Runtime } from './runtime.ts';

/** Enough that a row's update does not fit into one packet. */
const PADDING = 1984;
const ROWS = 40;

/** A database at each of two servers, and a pipeline from one to the other, each by way of a proxy that can be made bad. */
export class FaultyRoute implements AsyncDisposable {
  readonly #folder = new TestFolder();
  /** Of the databases, the pipeline and, with a prefix, its slot. */
  readonly #name: string;
  readonly #source: string;
  readonly #sink: string;
  readonly #proxies: readonly [source: ToxicProxy, sink: ToxicProxy];
  #runtime: Runtime | null = null;
  #running: Promise<void> = Promise.resolve();
  /** Changes of rows that the source has committed. */
  #changes = 0;

  private constructor(name: string, source: string, sink: string, proxies: readonly [ToxicProxy, ToxicProxy]) {
    this.#name = name;
    this.#source = source;
    this.#sink = sink;
    this.#proxies = proxies;
  }

  static async make(source: PostgresService, sink: PostgresService, toxiproxy: ToxiproxyService): Promise<FaultyRoute> {
    const name = `faults_${randomBytes(4).toString('hex')}`;
    const [from, to] = await Promise.all([source, sink].map(async ({ url }) => await createDatabase(url, name)));
    const proxies = [await toxiproxy.proxy(source.upstream), await toxiproxy.proxy(sink.upstream)] as const;
    const route = new FaultyRoute(name, from!, to!, proxies);
    await query(from!, 'CREATE TABLE events (id int PRIMARY KEY, version int NOT NULL, padding text)');
    return route;
  }

  get source(): ToxicProxy {
    return this.#proxies[0];
  }

  get sink(): ToxicProxy {
    return this.#proxies[1];
  }

  /** What the pipeline fails with at this moment. */
  get failure(): string | null {
    return this.#status().failure?.code ?? null;
  }

  /**
   * Starts the pipeline and waits until both sinks have a transaction of the stream: from here on each change is a row of the
   * history. One that lost its connections before would begin with a copy, which has no row for what was changed meanwhile.
   */
  async start(): Promise<void> {
    const config = loadConfig(this.#folder.file('weir.yaml', this.#yaml()), {});
    this.#runtime = await startRuntime(config, { log: silentLogger, store: memoryStore() });
    this.#running = this.#runtime.run();
    this.#running.catch(() => {});
    while (this.#status().source.phase !== 'stream') await Promise.race([this.#running, this.#pause()]);
    await this.write(1);
    const isDelivered = (): boolean => Object.values(this.#status().sinks).every(({ rows }) => rows.delivered === this.#changes);
    while (!isDelivered()) await Promise.race([this.#running, this.#pause()]);
  }

  async #pause(): Promise<void> {
    await query(this.#source, 'SELECT pg_sleep(0.02)');
  }

  /** Transactions of an insert and an update each, one after the other. */
  async write(transactions: number): Promise<void> {
    const client = new Client({ connectionString: this.#source });
    await client.connect();
    try {
      for (let done = 0; done < transactions; done++) {
        const id = this.#changes / 2;
        const text = `repeat(md5(random()::text), ${PADDING / 32})`;
        await client.query(`BEGIN; INSERT INTO events VALUES (${id}, 0, ${text});
          UPDATE events SET version = version + 1, padding = ${text} WHERE id = ${Math.max(0, id - (id % ROWS))}; COMMIT`);
        this.#changes += 2;
      }
    } finally {
      await client.end();
    }
  }

  /** Delivers the rest and ends the pipeline. @returns what source and sink hold, and how often the history has a change */
  async finish(): Promise<{ source: unknown; mirror: unknown; changes: number; history: number; distinct: number }> {
    await Promise.all([this.#running, this.#runtime!.finishAtHead()]);
    const rows = 'SELECT count(*) AS rows, sum(version) AS versions, md5(string_agg(md5(padding), $$ $$ ORDER BY id)) AS paddings';
    const [source] = await query(this.#source, `${rows} FROM events`);
    const [mirror] = await query(this.#sink, `${rows} FROM public.events`);
    const [history] = await query(
      this.#sink,
      'SELECT count(*)::int AS rows, count(DISTINCT (id, version))::int AS distinct FROM history.events',
    );
    return { source, mirror, changes: this.#changes, history: Number(history!['rows']), distinct: Number(history!['distinct']) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.#proxies) await proxy.enable(true);
    this.#runtime?.stop();
    await this.#running.catch(() => {});
    await this.#runtime?.[Symbol.asyncDispose]();
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
    await query(this.#source, 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()');
    this.#folder[Symbol.dispose]();
  }

  #status() {
    return this.#runtime!.status().pipelines[0]!;
  }

  #yaml(): string {
    const to = `postgres: { url: "${this.sink.through(this.#sink)}" }`;
    return `version: 1
http: false
pipelines:
  ${this.#name}:
    source: { postgres: { url: "${this.source.through(this.#source)}", tables: [public.*] } }
    sinks:
      mirror: { ${to} }
      history: { ${to}, mode: append, target: { schema: history, table: "{table}" } }
`;
  }
}

async function createDatabase(server: string, name: string): Promise<string> {
  await query(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
