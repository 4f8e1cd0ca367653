import { readFile } from 'node:fs/promises';
import tls from 'node:tls';
import { WeirError } from '@weir/sdk';
import type { Target } from './target.ts';

/** What mysql2 is told of TLS. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
}

/**
 * What is asked of the server's certificate; null where nothing is encrypted.
 * @throws WeirError WEIR_MYSQL_TLS_FILE when a file cannot be read or is none
 */
export async function tlsOptions({ tls: wanted }: Target): Promise<TlsOptions | null> {
  const { mode, ca, cert, key } = wanted;
  if (mode === 'disable') return null;
  const files = {
    ...(ca === undefined ? {} : { ca: await readPem(ca, 'ca') }),
    ...(cert === undefined ? {} : { cert: await readPem(cert, 'cert') }),
    ...(key === undefined ? {} : { key: await readPem(key, 'key') }),
  };
  try {
    tls.createSecureContext(files);
  } catch (error) {
    // OpenSSL's own words say what is wrong, such as a key of another certificate. They hold nothing of the files.
    throw new WeirError('WEIR_MYSQL_TLS_FILE', `the files of tls are refused: ${(error as Error).message}`, { path: 'tls' });
  }
  return { ...files, rejectUnauthorized: mode !== 'require', verifyIdentity: mode === 'verify-full' };
}

async function readPem(file: string, option: 'ca' | 'cert' | 'key'): Promise<string> {
  const refused = (what: string): WeirError =>
    new WeirError('WEIR_MYSQL_TLS_FILE', `the file of tls.${option}, ${file}, ${what}`, { path: 'tls' });
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw refused(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  });
  if (!text.includes('-----BEGIN ')) throw refused('is no PEM file');
  return text;
}
