import { WeirError } from '@weir/sdk';
import { addKeyword, type Keywords } from './keywords.ts';

/** Scheme, user and password, hosts, database, parameters. The last `@` ends the password, as in any URL. */
const URL_PARTS = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/** A name, an address, or one in brackets; with or without a port. */
const HOST = /^(\[[0-9a-fA-F:.]+(?:%25[\w.-]+)?\]|[^:[\]]*)(?::(\d{1,5}))?$/;

/**
 * `postgres://user:password@h1:5432,h2:5433/db?sslmode=verify-full`, as libpq reads it. Everything is percent-encoded,
 * a path of a Unix socket as well: `postgres://%2Fvar%2Frun%2Fpostgresql/db`.
 * @throws WeirError WEIR_CONFIG_INVALID, which repeats nothing of the text but libpq's own words (invariant 10)
 */
export function parseConnectionUrl(text: string): Keywords {
  const [, userInfo = '', hosts = '', database = '', parameters = ''] = URL_PARTS.exec(text) ?? refuse();
  const keywords: Keywords = new Map();
  const colon = userInfo.indexOf(':');
  set(keywords, 'user', colon < 0 ? userInfo : userInfo.slice(0, colon));
  set(keywords, 'password', colon < 0 ? '' : userInfo.slice(colon + 1));
  if (hosts !== '') setHosts(keywords, hosts);
  set(keywords, 'dbname', database);
  for (const parameter of parameters === '' ? [] : parameters.split('&')) {
    const equals = parameter.indexOf('=');
    if (equals < 0) refuse('the URL has something behind a ? that is no parameter', PARAMETERS_FIX);
    addKeyword(keywords, decode(parameter.slice(0, equals)), decode(parameter.slice(equals + 1)), 'the URL', 'url');
  }
  return keywords;
}

const PARAMETERS_FIX = 'Write a ? that belongs to the password as %3F.';

function setHosts(keywords: Keywords, text: string): void {
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const part of text.split(',')) {
    const [, host = '', port = ''] = HOST.exec(part) ?? refuse();
    if (port !== '' && (Number(port) < 1 || Number(port) > 65_535)) refuse();
    hosts.push(decode(host.replace(/^\[|\]$/g, '')));
    ports.push(port);
  }
  // A port alone means the default host.
  if (hosts.some((host) => host !== '')) keywords.set('host', hosts.join(','));
  if (ports.some((port) => port !== '')) keywords.set('port', ports.join(','));
}

function set(keywords: Keywords, name: string, encoded: string): void {
  if (encoded !== '') keywords.set(name, decode(encoded));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse();
  }
}

function refuse(message = 'expected postgres://user:password@host:port/database', fix?: string): never {
  const encoded = 'Write @ : / ? # and % of a user or password as %40 %3A %2F %3F %23 and %25.';
  throw new WeirError('WEIR_CONFIG_INVALID', message, { path: 'url', fix: fix ?? encoded });
}
