import { formatLsn } from '@weir/pgoutput';

/** How a stream is asked for. */
export interface StreamProtocol {
  /** 1 for every server, 2 from PostgreSQL 14 on, 3 from 15, 4 from 16. */
  readonly version: 1 | 2 | 3 | 4;
  /** Whether the server may send transactions that have not ended yet; from version 2 on. */
  readonly streaming: boolean;
}

/**
 * The newest protocol of a server, with transactions streamed: otherwise the server writes a large one to its own disk and
 * sends nothing of it before its end.
 * @param serverVersion `server_version_num`, for example 180004
 */
export function newestProtocol(serverVersion: number): StreamProtocol {
  return { version: serverVersion >= 160_000 ? 4 : 2, streaming: true };
}

/** What the output plugin is told, name and value by turns. */
export function pluginOptions(publications: readonly string[], protocol: StreamProtocol): [name: string, value: string][] {
  const names = publications.map((name) => `"${name.replaceAll('"', '""')}"`).join(',');
  return [
    ['proto_version', String(protocol.version)],
    ['publication_names', names],
    ['messages', 'true'],
    ...(protocol.streaming ? [['streaming', 'on'] as [string, string]] : []),
  ];
}

/**
 * The command that starts a stream. https://www.postgresql.org/docs/current/protocol-logical-replication.html
 * @param slot of lower-case letters, digits and `_`
 */
export function startReplication(slot: string, from: bigint, publications: readonly string[], protocol: StreamProtocol): string {
  const options = pluginOptions(publications, protocol).map(([name, value]) => `${name} '${value.replaceAll("'", "''")}'`);
  return `START_REPLICATION SLOT "${slot}" LOGICAL ${formatLsn(from)} (${options.join(', ')})`;
}
