import { WeirError } from '@weir/sdk';
import { hostText } from './connection-error.ts';
import type { Host } from './target.ts';

/** A pooler of a hoster. */
interface KnownPooler {
  readonly name: string;
  readonly matches: (host: Host) => boolean;
  readonly direct: (host: Host) => string;
}

const known: readonly KnownPooler[] = [
  {
    name: 'Supabase’s pooler',
    matches: ({ host }) => host.endsWith('.pooler.supabase.com'),
    direct: () => 'db.PROJECT.supabase.co:5432, with user postgres (IPv6, unless the project has the IPv4 add-on)',
  },
  {
    name: 'Neon’s pooler',
    matches: ({ host }) => /^[^.]*-pooler\..*neon\.(tech|build)$/.test(host),
    direct: ({ host }) => host.replace('-pooler.', '.'),
  },
  {
    name: 'RDS Proxy',
    matches: ({ host }) => /\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?$/.test(host),
    direct: () => 'the endpoint of the instance, or the writer’s of the cluster',
  },
  {
    name: 'PgBouncer of Azure',
    matches: ({ host, port }) => host.endsWith('.postgres.database.azure.com') && port === 6432,
    direct: ({ host }) => `${host}:5432`,
  },
];

/** A pooler by its host's name and port, and the address to use instead; null for any other. */
export function knownPooler(host: Host): { readonly name: string; readonly direct: string } | null {
  const pooler = known.find(({ matches }) => matches(host));
  return pooler === undefined ? null : { name: pooler.name, direct: pooler.direct(host) };
}

/** What is said of a pooler, whatever it is known by. */
export function poolerRefusal(at: Host, { name, direct }: { readonly name: string; readonly direct: string }): WeirError {
  const message = `at ${hostText(at)} is a connection pooler, not the server: ${name}`;
  return new WeirError('WEIR_PG_POOLER', message, { fix: `Name the direct address in \`url\`: ${direct}.`, path: 'url' });
}
