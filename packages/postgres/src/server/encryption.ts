import { TLSSocket } from 'node:tls';
import type { CheckResult } from '@weir/sdk';
import type pg from 'pg';
import { socketOf } from '../connection/client-socket.ts';
import { hostOf } from '../connection/connect.ts';
import { isLocal, tlsModeFor } from '../connection/target.ts';

/** How the connection is encrypted, and whether anybody in between could read along. */
export function encryptionResult(client: pg.Client): CheckResult {
  const code = 'PG_TLS';
  const at = hostOf(client);
  const socket = socketOf(client);
  const encrypted = socket instanceof TLSSocket ? socket.getProtocol() : null;
  const fix = 'tls: verify-full';
  if (encrypted === null && isLocal(at.host)) return { code, level: 'ok', message: 'not encrypted, on this machine' };
  if (encrypted === null) return { code, level: 'warning', message: 'not encrypted: everybody in between can read along', fix, path: 'tls' };
  const mode = tlsModeFor(at.target, at);
  if (mode !== 'require') return { code, level: 'ok', message: `${encrypted}, ${mode}` };
  const message = `${encrypted}, but whoever answers is believed: somebody in between can read along`;
  return { code, level: 'warning', message, fix, path: 'tls' };
}
