import type { CheckResult } from '@weir/sdk';
import { fine, refused } from './check-settings.ts';

/**
 * A proxy answers in the server's place, and has ids of connections of its own. ProxySQL and MaxScale pass the dump to nobody, or
 * to another server each time.
 * @param connectionId 32 bits, as the greeting had it
 * @param answered CONNECTION_ID(), 64 bits
 * @param comment `@@version_comment`
 */
export function proxyResult(connectionId: number, answered: string, comment: string): CheckResult {
  const [, known] = /(proxysql|maxscale)/iu.exec(comment) ?? [];
  if (known === undefined && Number(BigInt(answered) % 0x1_0000_0000n) === connectionId) return fine('WEIR_MYSQL_PROXY', 'the server itself answers');
  const message = known === undefined ? 'the server knows this connection by another id than who answered: a proxy is in between' : `${known} answers, not the server`;
  return refused('WEIR_MYSQL_PROXY', message, 'Name the server itself in `url`: a proxy does not pass its log on.');
}
