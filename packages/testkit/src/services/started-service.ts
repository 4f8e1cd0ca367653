/** A server that tests need, whoever starts it; started in `beforeAll` by `describeWithServices`. */
export interface Service {
  /** For people: `postgres 17`. */
  readonly title: string;
  /** The environment variable whose URL is used in place of a container. */
  readonly variable: string;
  /** @throws Error that says what to do when it does not start */
  start(): Promise<void>;
  /** Ends what `start` began; nothing where a variable named the server. */
  stop(): Promise<void>;
}

/** The URL of a server that runs already. */
export function urlFor({ variable }: Pick<Service, 'variable'>): string | null {
  const url = process.env[variable] ?? '';
  return url === '' ? null : url;
}
