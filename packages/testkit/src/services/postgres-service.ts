import type { StartedPostgreSqlContainer } from '@testcontainers/postgresql';
import { imagesOf, processLabel, startContainer } from './container-image.ts';
import { urlFor, type Service, type ServiceOptions } from './started-service.ts';

/** What is lost when a container ends matters to nobody, so nothing needs to reach the disk. */
const SETTINGS = {
  wal_level: 'logical',
  max_connections: '200',
  max_replication_slots: '50',
  max_wal_senders: '50',
  wal_writer_delay: '10ms',
  fsync: 'off',
};

/** A PostgreSQL server with logical replication. */
export class PostgresService implements Service {
  readonly title: string;
  readonly variable: string;
  readonly #options: ServiceOptions;
  #container: StartedPostgreSqlContainer | null = null;
  #url: string | null = null;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.variable = options.isOwn === true ? '' : 'WEIR_TEST_POSTGRES_URL';
    this.title = `postgres ${imagesOf('postgres', options.version).version}`;
  }

  /** Of a superuser; known once the tests run. */
  get url(): string {
    if (this.#url === null) throw new Error(`${this.title} has not started; its URL is known in tests and hooks only`);
    return this.#url;
  }

  /** Where other containers reach it, as `host:port`. */
  get upstream(): string {
    if (this.#container !== null) return `${this.#container.getIpAddress('bridge')}:5432`;
    const { hostname, port } = new URL(this.url);
    return `${hostname}:${port === '' ? 5432 : port}`;
  }

  async start(): Promise<void> {
    this.#url = urlFor(this);
    if (this.#url !== null) return;
    const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
    const settings = Object.entries({ ...SETTINGS, ...this.#options.settings });
    this.#container = await startContainer(imagesOf('postgres', this.#options.version), async (image) =>
      new PostgreSqlContainer(image)
        .withUsername('postgres')
        .withDatabase('postgres')
        .withCommand(settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]))
        .withLabels(processLabel())
        .start(),
    );
    this.#url = this.#container.getConnectionUri();
  }

  async stop(): Promise<void> {
    await this.#container?.stop({ timeout: 0 });
    this.#container = null;
    this.#url = null;
  }
}
