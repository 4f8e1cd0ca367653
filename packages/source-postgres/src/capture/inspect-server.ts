import { query, quoteIdentifier, type Vendor } from '@weir/postgres';
import { errorCodes, type CheckResult, type ErrorCode } from '@weir/sdk';
import type pg from 'pg';

/** What of a server decides whether it can be captured, whatever the tables. */
export interface ServerFacts {
  readonly version: number;
  readonly versionText: string;
  readonly walLevel: string;
  readonly standby: boolean;
  readonly role: string;
  readonly database: string;
  readonly mayReplicate: boolean;
  readonly mayCreate: boolean;
  readonly slots: { readonly used: number; readonly most: number };
  readonly senders: { readonly used: number; readonly most: number };
  /** The pipeline's slot: `active` while somebody reads it. */
  readonly slot: 'none' | 'idle' | 'active';
}

const SERVER = `
  SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
         current_setting('wal_level') AS wal_level, pg_is_in_recovery() AS standby, current_user AS role,
         current_database() AS database,
         current_setting('max_replication_slots')::int AS max_slots,
         (SELECT count(*) FROM pg_replication_slots) AS slots,
         current_setting('max_wal_senders')::int AS max_senders,
         (SELECT count(*) FROM pg_stat_replication) AS senders,
         (SELECT active FROM pg_replication_slots WHERE slot_name = $1) AS slot_active,
         coalesce((SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user), false)
           OR (SELECT coalesce(bool_or(pg_has_role(current_user, oid, 'USAGE')), false)
                 FROM pg_roles WHERE rolname IN ('rds_replication', 'rds_superuser')) AS replication,
         has_database_privilege(current_database(), 'CREATE') AS create_publication`;

export async function readServer(client: pg.Client, slot: string): Promise<ServerFacts> {
  const [row] = await query(client, SERVER, [slot]);
  const active = row!['slot_active'];
  return {
    version: Number(row!['version']),
    versionText: row!['version_text']!,
    walLevel: row!['wal_level']!,
    standby: row!['standby'] === 't',
    role: row!['role']!,
    database: row!['database']!,
    mayReplicate: row!['replication'] === 't',
    mayCreate: row!['create_publication'] === 't',
    slots: { used: Number(row!['slots']), most: Number(row!['max_slots']) },
    senders: { used: Number(row!['senders']), most: Number(row!['max_senders']) },
    slot: active === null ? 'none' : active === 't' ? 'active' : 'idle',
  };
}

/** @param vendor whose own parameter and grant are named as the fix; null for a server that anybody runs */
export function serverResults(server: ServerFacts, vendor: Vendor | null): CheckResult[] {
  const results: CheckResult[] = [];
  const expect = (fine: boolean, code: ErrorCode, ok: string, message: string, fix?: string, path?: string): void => {
    results.push(
      fine
        ? { code, level: 'ok', message: ok }
        : { code, level: 'error', message, fix: fix ?? errorCodes[code].remedy, ...(path === undefined ? {} : { path }) },
    );
  };
  const { versionText, walLevel } = server;
  const role = quoteIdentifier(server.role);
  const version = `PostgreSQL ${versionText}`;
  expect(server.version >= 140_000, 'WEIR_PG_VERSION', version, `${version} is too old`);
  expect(!server.standby, 'WEIR_PG_STANDBY', 'the server is a primary', 'the server is a standby', undefined, 'url');
  expect(
    walLevel === 'logical',
    'WEIR_PG_WAL_LEVEL',
    'wal_level is logical',
    `wal_level is ${walLevel}, not logical`,
    vendor === null ? undefined : `${vendor.name}: ${vendor.parameter}.`,
  );
  expect(
    server.mayReplicate,
    'WEIR_PG_GRANT_REPLICATION',
    'the role may replicate',
    `role ${server.role} may not replicate`,
    vendor === null ? `ALTER ROLE ${role} REPLICATION;` : vendor.grant(role),
    'url',
  );
  results.push(slotResult(server), senderResult(server));
  return results;
}

/** The pipeline needs a slot of its own, and for the time of a copy another. */
function slotResult({ slots: { used, most }, slot }: ServerFacts): CheckResult {
  const code = 'WEIR_PG_SLOTS_FULL';
  const text = `${used} of ${most} replication slots are in use`;
  const needed = used + (slot === 'none' ? 2 : 1);
  if (needed <= most) return { code, level: 'ok', message: text };
  const fix = `ALTER SYSTEM SET max_replication_slots = ${needed + 4}; then restart the server.`;
  if (slot !== 'none') return { code, level: 'warning', message: `${text}: the pipeline goes on, but cannot copy a table`, fix };
  return { code, level: 'error', message: `${text}; the pipeline needs one and its first copy another`, fix };
}

/** A copy and the stream have one each, one after the other; a stream that runs has its own already. */
function senderResult({ senders: { used, most }, slot }: ServerFacts): CheckResult {
  const code = 'WEIR_PG_SENDERS_FULL';
  const message = `${used} of ${most} WAL senders are in use`;
  if (used < most || slot === 'active') return { code, level: 'ok', message };
  const fix = `ALTER SYSTEM SET max_wal_senders = ${most + 5}; then restart the server.`;
  return { code, level: 'error', message: `${message}; the pipeline needs one`, fix };
}
