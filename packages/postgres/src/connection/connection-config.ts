import { duration, secret, type Secret } from '@weir/sdk';
import { z } from 'zod';

/**
 * How a connection is encrypted and what of the server is verified, as libpq's `sslmode`:
 *
 * - `verify-full`: encrypted, the certificate is of an authority that is trusted and of the host's name.
 * - `verify-ca`: the same but for the name, which some hosters' certificates do not have (Cloud SQL).
 * - `require`: encrypted, whoever answers: for certificates that nobody signed. Whoever is in between can read along.
 * - `disable`: not encrypted.
 *
 * `prefer` and `allow` are left out on purpose: with them nobody knows whether a password travels in the clear.
 */
export type TlsMode = (typeof tlsModes)[number];
export const tlsModes = ['verify-full', 'verify-ca', 'require', 'disable'] as const;

/** Files are PEM, and read at every connect: what is renewed in place is used at once. */
export interface TlsConfig {
  /** Default: `verify-full`. */
  readonly mode?: TlsMode | undefined;
  /** Certificate authorities to trust instead of those that Node has; `system`: Node's and the operating system's. */
  readonly ca?: string | undefined;
  /** The client's certificate, with those between it and its authority. */
  readonly cert?: string | undefined;
  /** The private key of `cert`. */
  readonly key?: string | undefined;
  /** The name that the server's certificate must have, where it is not the host's: through a tunnel, or by address. */
  readonly server_name?: string | undefined;
}

/**
 * Which of several hosts is taken, by what the server says: `pg_is_in_recovery()` tells primary and standby,
 * `transaction_read_only` the rest. `prefer-standby` takes another when no standby answers.
 */
export const sessionAttributes = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const;
export type SessionAttributes = (typeof sessionAttributes)[number];

export const channelBindings = ['disable', 'prefer', 'require'] as const;
/** Whether SCRAM is bound to the TLS session, which a server in between cannot pass on. */
export type ChannelBinding = (typeof channelBindings)[number];

/** Where a server is and how it is spoken to; the same for sources and sinks. */
export interface ConnectionConfig {
  /** `postgres://user:password@host:port/database`, also with several hosts and the parameters of `keywords.ts`. */
  readonly url?: Secret | undefined;
  /** A section of a service file, which says what `url` leaves open. One of the two is given. */
  readonly service?: string | undefined;
  /** A program and its arguments that prints the password; run without a shell, again at every connect. */
  readonly password_command?: readonly string[] | undefined;
  /** Default: `disable` on loopback and Unix sockets, `verify-full` elsewhere. */
  readonly tls?: TlsMode | TlsConfig | undefined;
  /** Default: `any` for one host, `primary` for several. */
  readonly target_session_attrs?: SessionAttributes | undefined;
  /** Default: `prefer`. */
  readonly channel_binding?: ChannelBinding | undefined;
  /** How long one host may take from the first packet to the first answer, TLS and password included, in ms. Default: 15 s. */
  readonly connect_timeout?: number | undefined;
}

const file = z.string().min(1);

const tlsBlock = z
  .strictObject({
    mode: z.enum(tlsModes).optional().describe('Default verify-full'),
    ca: file.optional().describe('PEM file of the authorities to trust, or system for those of the operating system'),
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
  url: secret.optional().describe('postgres://user:password@host:port/database; several hosts as h1:5432,h2:5432'),
  service: z.string().min(1).optional().describe('Section of the service file (PGSERVICEFILE, ~/.pg_service.conf)'),
  password_command: z
    .array(z.string().min(1))
    .min(1)
    .max(64)
    .optional()
    .describe('Program and arguments that print the password; run at every connect, without a shell'),
  tls: z
    .union([z.enum(tlsModes), tlsBlock])
    .optional()
    .describe('Default: disable on loopback, verify-full elsewhere'),
  target_session_attrs: z
    .enum(sessionAttributes)
    .optional()
    .describe('Which of several hosts is taken; default any for one host, primary for several'),
  channel_binding: z.enum(channelBindings).optional().describe('SCRAM bound to the TLS session; default prefer'),
  connect_timeout: duration
    .pipe(z.number().min(100, 'expected at least 100ms').max(MOST_MS, 'expected at most 1d'))
    .optional()
    .describe('How long each host may take until it answers; default 15s'),
};

/** For `refine`: a block says where its server is. */
export const needsServer: {
  readonly check: (config: ConnectionConfig) => boolean;
  readonly params: { message: string; path: string[] };
} = {
  check: ({ url, service }) => url !== undefined || service !== undefined,
  params: { message: 'missing; expected postgres://user:password@host:port/database, or `service`', path: ['url'] },
};

/** The connection's options of a connector's block. */
export function connectionOf(config: ConnectionConfig): ConnectionConfig {
  const { url, service, password_command, tls, target_session_attrs, channel_binding, connect_timeout } = config;
  return { url, service, password_command, tls, target_session_attrs, channel_binding, connect_timeout };
}
