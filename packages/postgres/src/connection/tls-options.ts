import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import tls, { type ConnectionOptions, type PeerCertificate } from 'node:tls';
import { WeirError } from '@weir/sdk';
import { tlsModeFor, type Host, type Target } from './target.ts';

/**
 * What Node is told of TLS to one host; false for none.
 * @throws WeirError WEIR_PG_TLS_FILE when a file cannot be read or is none
 */
export async function tlsOptions(target: Target, host: Host): Promise<ConnectionOptions | false> {
  const mode = tlsModeFor(target, host);
  if (mode === 'disable') return false;
  const { ca, cert, key, server_name: serverName } = target.tls;
  const files = { ...(await authorities(ca)), ...(cert && key ? await clientCertificate(cert, key) : {}) };
  const name = serverName ?? host.host;
  return {
    ...files,
    // An address has no server name; a name that pg sets itself is the host's.
    servername: isIP(name) === 0 ? name : '',
    rejectUnauthorized: mode !== 'require',
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      mode === 'verify-full' ? tls.checkServerIdentity(name, certificate) : undefined,
  };
}

async function authorities(ca: string | undefined): Promise<ConnectionOptions> {
  if (ca === undefined) return {};
  if (ca === 'system') return { ca: [...tls.getCACertificates('default'), ...tls.getCACertificates('system')] };
  return checked({ ca: await readPem(ca, 'ca') }, ca, 'ca');
}

async function clientCertificate(cert: string, key: string): Promise<ConnectionOptions> {
  return checked({ cert: await readPem(cert, 'cert'), key: await readPem(key, 'key') }, key, 'key');
}

async function readPem(file: string, option: 'ca' | 'cert' | 'key'): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refused(file, option, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  });
  if (!text.includes('-----BEGIN ')) throw refused(file, option, 'is no PEM file');
  return text;
}

/** OpenSSL's own words say what is wrong with a file, such as a key of another certificate. They hold nothing of it. */
function checked(options: ConnectionOptions, file: string, option: 'ca' | 'key'): ConnectionOptions {
  try {
    tls.createSecureContext(options);
    return options;
  } catch (error) {
    throw refused(file, option, `is refused: ${(error as Error).message}`);
  }
}

function refused(file: string, option: 'ca' | 'cert' | 'key', what: string): WeirError {
  return new WeirError('WEIR_PG_TLS_FILE', `the file of tls.${option}, ${file}, ${what}`, { path: 'tls' });
}
