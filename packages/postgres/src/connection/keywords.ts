import { WeirError } from '@weir/sdk';

/** What a URL or a service file says, by libpq's keyword; not yet read any further. */
export type Keywords = Map<string, string>;

/** The keywords that have an effect here: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS */
const implemented = [
  'host',
  'port',
  'dbname',
  'user',
  'password',
  'passfile',
  'service',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'channel_binding',
  'target_session_attrs',
  'connect_timeout',
  'application_name',
  'options',
];

/** Those of libpq that are not; they are named, so that nobody believes them to be at work. */
const others = (
  'hostaddr require_auth client_encoding fallback_application_name keepalives keepalives_idle keepalives_interval ' +
  'keepalives_count tcp_user_timeout replication gssencmode requiressl sslnegotiation sslcompression sslkeylogfile ' +
  'sslpassword sslcertmode sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version ' +
  'min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation scram_client_key scram_server_key ' +
  'servicefile load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret oauth_scope ssl'
).split(' ');

/**
 * Adds one setting. Only libpq's own words are repeated in an error: anything else may be a part of a misread password.
 * @param where `the URL`, or the service
 * @throws WeirError WEIR_CONFIG_INVALID
 */
export function addKeyword(keywords: Keywords, name: string, value: string, where: string, path: string): void {
  if (!implemented.includes(name)) throw unknownKeyword(name, where, path);
  if (keywords.has(name)) {
    throw new WeirError('WEIR_CONFIG_INVALID', `${where} says ${name} twice`, { path, fix: 'Keep one of them.' });
  }
  keywords.set(name, value);
}

function unknownKeyword(name: string, where: string, path: string): WeirError {
  const fix = `Take it out; what has an effect is ${implemented.join(', ')}.`;
  const message = others.includes(name)
    ? `${where} has the parameter ${name}, which has no effect here`
    : `${where} has a parameter that is not known`;
  return new WeirError('WEIR_CONFIG_INVALID', message, { path, fix });
}
