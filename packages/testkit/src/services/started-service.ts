/** A server that tests need, whoever starts it; started in `beforeAll` by `describeWithServices`. */
export interface Service {
  /** For people: `postgres 17`. */
  readonly title: string;
  /** The environment variable whose URL is used in place of a container; empty where none is. */
  readonly variable: string;
  /** @throws Error that says what to do when it does not start */
  start(): Promise<void>;
  /** Ends what `start` began; nothing where a variable named the server. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  /** A major version, 18 of PostgreSQL, or `11.8` of MariaDB; by default the newest that tests have an image of. */
  readonly version?: number | string;
  /** Server settings on top of those that every test needs: `{ binlog_transaction_compression: 'ON' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A container, also where a variable names a server: of tests that do what others would notice, a RESET of the log for one. */
  readonly isOwn?: boolean;
}

/** The URL of a server that runs already. */
export function urlFor({ variable }: Pick<Service, 'variable'>): string | null {
  const url = process.env[variable] ?? '';
  return url === '' ? null : url;
}
