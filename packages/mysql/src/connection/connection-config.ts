import { duration, secret, type Secret } from '@weir/sdk';
import { z } from 'zod';

/**
 * How a connection is encrypted and what of the server is verified, as the `--ssl-mode` of MySQL's own programs:
 *
 * - `verify-full` (VERIFY_IDENTITY): encrypted, the certificate is of an authority that is trusted and of the host's name.
 * - `verify-ca` (VERIFY_CA): the same but for the name.
 * - `require` (REQUIRED): encrypted, whoever answers: for the certificate that a server makes itself. Whoever is in between
 *   can read along.
 * - `disable` (DISABLED): not encrypted.
 *
 * PREFERRED is left out on purpose: with it nobody knows whether a password travels in the clear.
 */
export type TlsMode = (typeof tlsModes)[number];
export const tlsModes = ['verify-full', 'verify-ca', 'require', 'disable'] as const;

/** Files are PEM, and read at every connect: what is renewed in place is used at once. */
export interface TlsConfig {
  /** Default: `verify-full`. */
  readonly mode?: TlsMode | undefined;
  /** Certificate authorities to trust instead of those that Node has. */
  readonly ca?: string | undefined;
  /** The client's certificate, with those between it and its authority. */
  readonly cert?: string | undefined;
  /** The private key of `cert`. */
  readonly key?: string | undefined;
  /** The name that the server's certificate must have, where it is not the host's: through a tunnel, or by address. */
  readonly server_name?: string | undefined;
}

/** Where a server is and how it is spoken to; the same for sources and sinks. */
export interface ConnectionConfig {
  /** `mysql://user:password@host:port/database`; `mariadb://` is the same. */
  readonly url?: Secret | undefined;
  /** Instead of `url`, with the fields below. */
  readonly host?: string | undefined;
  /** Default: 3306. */
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly password?: Secret | undefined;
  readonly database?: string | undefined;
  /** Default: `disable` on loopback and Unix sockets, `verify-full` elsewhere. */
  readonly tls?: TlsMode | TlsConfig | undefined;
  /** From the first packet to the end of the login, TLS included, in ms. Default: 15 s. */
  readonly connect_timeout?: number | undefined;
}

const file = z.string().min(1);

const tlsBlock = z
  .strictObject({
    mode: z.enum(tlsModes).optional().describe('Default verify-full'),
    ca: file.optional().describe('PEM file of the authorities to trust'),
    cert: file.optional().describe('PEM file of the client certificate'),
    key: file.optional().describe('PEM file of its private key'),
    server_name: z.string().min(1).optional().describe('The name that the certificate must have; default the host'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'expected `cert` and `key` together');

/** A day: whoever sets more has mistaken the unit. */
const MOST_MS = 86_400_000;

/** The options of a connection, for the schema of a connector's block; see {@link needsServer}. */
export const connectionFields: {
  readonly [Name in keyof Required<ConnectionConfig>]: z.ZodOptional<z.ZodType<NonNullable<ConnectionConfig[Name]>>>;
} = {
  url: secret.optional().describe('mysql://user:password@host:port/database'),
  host: z.string().min(1).optional().describe('Instead of url: a name, an address, or the path of a Unix socket'),
  port: z.number().int().min(1).max(65_535).optional().describe('Default 3306'),
  user: z.string().min(1).optional().describe('Default root'),
  password: secret.optional(),
  database: z.string().min(1).optional(),
  tls: z
    .union([z.enum(tlsModes), tlsBlock])
    .optional()
    .describe('Default: disable on loopback, verify-full elsewhere'),
  connect_timeout: duration
    .pipe(z.number().min(100, 'expected at least 100ms').max(MOST_MS, 'expected at most 1d'))
    .optional()
    .describe('How long connecting may take; default 15s'),
};

/** For `refine`: a block says where its server is, in one of the two ways. */
export const needsServer: {
  readonly check: (config: ConnectionConfig) => boolean;
  readonly params: { message: string; path: string[] };
} = {
  check: ({ url, host, port, user, password, database }) =>
    url === undefined
      ? host !== undefined
      : [host, port, user, password, database].every((field) => field === undefined),
  params: { message: 'expected mysql://user:password@host:port/database, or host, user and the like instead', path: ['url'] },
};

/** The connection's options of a connector's block. */
export function connectionOf(config: ConnectionConfig): ConnectionConfig {
  const { url, host, port, user, password, database, tls, connect_timeout } = config;
  return { url, host, port, user, password, database, tls, connect_timeout };
}
