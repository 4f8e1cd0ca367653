import { WeirError, type ErrorCode } from '@weir/sdk';
import { tlsModeFor, type Host, type Target } from './target.ts';

/** One attempt on one host. */
export interface Attempt {
  readonly target: Target;
  readonly host: Host;
  readonly replication: boolean;
}

interface Known {
  readonly code: ErrorCode;
  readonly fix?: string | undefined;
}

/** What connecting met, as a coded error that names the host. */
export function connectionError(error: unknown, attempt: Attempt): WeirError {
  if (error instanceof WeirError) return error;
  const { code = '', message } = error as { code?: string; message: string };
  const { user, database } = attempt.target;
  const where = `${hostText(attempt.host)}/${database} as ${user}`;
  const known = byCode(code, message, attempt) ?? byMessage(code, message) ?? { code: 'WEIR_PG_CONNECT' };
  return new WeirError(known.code, `cannot connect to ${where}: ${message || code}`, {
    cause: error,
    path: known.code === 'WEIR_PG_TLS' ? 'tls' : 'url',
    fix: known.fix,
  });
}

export function hostText({ host, port }: Host): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function byCode(code: string, message: string, attempt: Attempt): Known | null {
  switch (code) {
    case 'ENOTFOUND':
      return { code: 'WEIR_PG_HOST' };
    case '28P01':
      return { code: 'WEIR_PG_AUTH' };
    case '28000':
      return refusedByRules(message, attempt);
    case '3D000':
      return { code: 'WEIR_PG_DATABASE' };
    case '42501':
      return { code: attempt.replication ? 'WEIR_PG_GRANT_REPLICATION' : 'WEIR_PG_AUTH', fix: grantFix(attempt) };
    case '53300':
      return full(message, attempt);
    default:
      return null;
  }
}

function grantFix({ replication, target }: Attempt): string | undefined {
  return replication ? `ALTER ROLE "${target.user.replaceAll('"', '""')}" REPLICATION;` : undefined;
}

/** pg_hba.conf: the server says no, and often why. */
function refusedByRules(message: string, { target, host }: Attempt): Known {
  if (/valid client certificate|certificate authentication failed/.test(message)) {
    return { code: 'WEIR_PG_TLS', fix: `The server wants a certificate of ${target.user}: tls: { cert: FILE, key: FILE }.` };
  }
  if (/no encryption|SSL off/.test(message) && tlsModeFor(target, host) === 'disable') {
    return { code: 'WEIR_PG_TLS', fix: 'The server may take only encrypted connections: tls: verify-full.' };
  }
  return { code: 'WEIR_PG_AUTH' };
}

function full(message: string, { replication, target }: Attempt): Known {
  const clients = /too many (clients|connections)|connection slots/.test(message);
  if (replication && !clients) return { code: 'WEIR_PG_SENDERS_FULL' };
  const ofRole = /for role/.test(message) ? `ALTER ROLE "${target.user.replaceAll('"', '""')}" CONNECTION LIMIT -1;` : undefined;
  return { code: 'WEIR_PG_CONNECTIONS_FULL', fix: ofRole };
}

/** What pg and Node say of themselves, and poolers in the place of a server. */
function byMessage(code: string, message: string): Known | null {
  if (message.includes('unsupported startup parameter: replication')) return { code: 'WEIR_PG_POOLER' };
  if (/client password must be a/.test(message)) {
    const fix = 'The server wants a password: give it in `url`, `password_command`, or a password file.';
    return { code: 'WEIR_PG_AUTH', fix };
  }
  if (message.includes('channel binding')) return { code: 'WEIR_PG_CHANNEL_BINDING' };
  return tlsError(code, message);
}

const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

function tlsError(code: string, message: string): Known | null {
  const tls = (fix?: string): Known => ({ code: 'WEIR_PG_TLS', fix });
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return tls('Name the host as its certificate does, or say the name: tls: { server_name: NAME }.');
  }
  if (code === 'CERT_HAS_EXPIRED') return tls('Renew the server’s certificate, or give the renewed authority: tls: { ca: FILE }.');
  if (code === 'CERT_NOT_YET_VALID') return tls('Set the clock here right, or wait until the certificate is valid.');
  if (UNTRUSTED.has(code)) return tls('Give the authority that signed the server’s certificate: tls: { ca: FILE }.');
  if (/does not support SSL/i.test(message)) {
    return tls('Let the server speak TLS (ssl = on), or, where nobody can listen, set tls: disable.');
  }
  if (/ALERT/.test(code)) return tls('The server refuses the client certificate: tls: { cert: FILE, key: FILE } of its authority.');
  return /CERT|TLS|SSL|SIGNATURE/.test(code) || /certificate/i.test(message) ? tls() : null;
}
