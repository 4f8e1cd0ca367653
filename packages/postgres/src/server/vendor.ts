import type { CheckResult } from '@weir/sdk';
import type pg from 'pg';
import { hostOf } from '../connection/connect.ts';
import { query } from '../connection/query.ts';

/** A hoster of PostgreSQL, and what is other there. From its public documents, see `docs/vendors`; not tested by us. */
export interface Vendor {
  readonly name: string;
  /** The page `docs/vendors/<page>.md`. */
  readonly page: string;
  /** What makes `wal_level` logical there. */
  readonly parameter: string;
  /** What lets a role replicate there. */
  readonly grant: (role: string) => string;
  /** What the server does not say itself. */
  readonly limit: string;
}

type VendorName = 'rds' | 'aurora' | 'cloudSql' | 'azure' | 'supabase' | 'neon';

const AWS_GRANT = (role: string): string => `GRANT rds_replication TO ${role};`;
const REPLICATION = (role: string): string => `ALTER ROLE ${role} REPLICATION;`;

export const vendors: Readonly<Record<VendorName, Vendor>> = {
  rds: {
    name: 'Amazon RDS',
    page: 'rds',
    parameter: 'rds.logical_replication = 1 in the DB parameter group, then reboot',
    grant: AWS_GRANT,
    limit: 'a slot keeps log on the instance’s storage until it is full: alarm on OldestReplicationSlotLag',
  },
  aurora: {
    name: 'Amazon Aurora',
    page: 'aurora',
    parameter: 'rds.logical_replication = 1 in the DB cluster parameter group, then reboot the writer',
    grant: AWS_GRANT,
    limit: 'only the writer decodes: use the cluster endpoint; a major upgrade wants all slots dropped',
  },
  cloudSql: {
    name: 'Google Cloud SQL',
    page: 'cloud-sql',
    parameter: 'flag cloudsql.logical_decoding = on, which restarts the instance',
    grant: REPLICATION,
    limit: 'max_replication_slots is 10 unless the flag raises it; storage that grew with the log does not shrink',
  },
  azure: {
    name: 'Azure Database for PostgreSQL',
    page: 'azure',
    parameter: 'server parameter wal_level = logical, then restart',
    grant: REPLICATION,
    limit: 'before PostgreSQL 17 slots do not survive a failover unless pg_failover_slots is set up; port 6432 is a pooler',
  },
  supabase: {
    name: 'Supabase',
    page: 'supabase',
    parameter: 'nothing to do, wal_level is logical',
    grant: REPLICATION,
    limit: 'max_slot_wal_keep_size is set: a pipeline that is down for long loses its slot; the direct address is IPv6',
  },
  neon: {
    name: 'Neon',
    page: 'neon',
    parameter: 'logical replication in the settings of the project, which cannot be undone',
    grant: () => 'Use a role made in the console, which may replicate.',
    limit: 'a slot that nobody reads for about 40 hours is removed when another is read; a pipeline keeps the compute awake',
  },
};

/** The end of host names; a proxy or a name of one's own in front hides them. */
const HOSTS: readonly (readonly [RegExp, VendorName])[] = [
  [/\.cluster-(ro-|custom-)?[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?$/, 'aurora'],
  [/\.rds\.amazonaws\.com(\.cn)?$/, 'rds'],
  [/\.postgres\.database\.azure\.com$/, 'azure'],
  [/\.supabase\.(co|com)$/, 'supabase'],
  [/\.neon\.(tech|build)$/, 'neon'],
  [/\.sql\.goog$/, 'cloudSql'],
];

/** What only that vendor's servers have. */
const FACTS = `
  SELECT to_regprocedure('pg_catalog.aurora_version()') IS NOT NULL AS aurora,
         current_setting('rds.extensions', true) IS NOT NULL
           OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser') AS rds,
         EXISTS (SELECT FROM pg_roles WHERE rolname = 'cloudsqlsuperuser') AS "cloudSql",
         current_setting('azure.extensions', true) IS NOT NULL
           OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'azure_pg_admin') AS azure,
         current_setting('neon.timeline_id', true) IS NOT NULL
           OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'neon_superuser') AS neon,
         (SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('supabase_admin', 'supabase_auth_admin')) AS supabase`;

/** Who runs this server; null for anybody else. What the server has counts more than its name. */
export async function vendorOf(client: pg.Client): Promise<Vendor | null> {
  const [facts] = await query(client, FACTS);
  const names = Object.keys(facts!) as VendorName[];
  const name = names.find((vendor) => facts![vendor] === 't') ?? vendorByHost(hostOf(client).host);
  return name === null ? null : vendors[name];
}

export function vendorByHost(host: string): VendorName | null {
  return HOSTS.find(([pattern]) => pattern.test(host))?.[1] ?? null;
}

/** @param role quoted where it must be */
export function vendorResult({ name, page, parameter, grant, limit }: Vendor, role: string): CheckResult {
  const parts = [`parameter: ${parameter}`, `grant: ${grant(role)}`, `limit: ${limit}`];
  return { code: 'PG_VENDOR', level: 'ok', message: `${name} (docs/vendors/${page}.md, untested by us); ${parts.join('; ')}` };
}
