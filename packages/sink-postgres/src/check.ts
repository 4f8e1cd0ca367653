import { between, betweenResult, closeClient, connect, encryptionResult, query, type ConnectionConfig } from '@weir/postgres';
import { errorCodes, toWeirError, type CheckResult, type ErrorCode } from '@weir/sdk';
import type pg from 'pg';
import { OWN_SCHEMA } from './own-tables.ts';
import { identifier } from './sql-text.ts';

const SERVER = `
  SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS version_text,
         pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS read_only,
         current_user AS role, current_database() AS database, current_setting('fsync') AS fsync,
         current_setting('synchronous_commit') AS synchronous_commit,
         has_database_privilege(current_database(), 'CREATE') AS create_schema,
         to_regnamespace('${OWN_SCHEMA}') IS NOT NULL
           AND has_schema_privilege(current_user, to_regnamespace('${OWN_SCHEMA}')::oid, 'USAGE') AS own_schema,
         to_regclass('${OWN_SCHEMA}.checkpoint') IS NOT NULL
           AND to_regclass('${OWN_SCHEMA}.tables') IS NOT NULL AS own_tables`;

/** Whether the sink can connect and write. Changes nothing. */
export async function checkServer(config: ConnectionConfig, signal: AbortSignal): Promise<CheckResult[]> {
  let client: pg.Client;
  try {
    client = await connect(config, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, fix, path } = toWeirError(error);
    return [{ code, level: 'error', message, fix, ...(path === undefined ? {} : { path }) }];
  }
  try {
    const found = await between(client, config, signal);
    const [server] = await query(client, SERVER);
    return [
      ...(found === null ? [] : [betweenResult(found)]),
      ...serverResults(server!),
      encryptionResult(client),
      await triggerResult(client, server!),
    ];
  } finally {
    await closeClient(client);
  }
}

type Row = Record<string, string | null>;

function serverResults(server: Row): CheckResult[] {
  const role = identifier(server['role']!);
  const results: CheckResult[] = [];
  const expect = (fine: boolean, code: ErrorCode, ok: string, message: string, fix?: string): void => {
    const bad = { code, level: 'error', message, fix: fix ?? errorCodes[code].remedy, path: 'url' } as const;
    results.push(fine ? { code, level: 'ok', message: ok } : bad);
  };
  const version = `PostgreSQL ${server['version_text']}`;
  expect(Number(server['version']) >= 140_000, 'WEIR_PG_VERSION', version, `${version} is too old`);
  const standby = 'the server is a standby, which cannot be written';
  expect(server['standby'] === 'f', 'WEIR_PG_STANDBY', 'the server is a primary', standby);
  expect(
    server['read_only'] === 'off',
    'WEIR_PG_READ_ONLY',
    'transactions may write',
    `transactions of role ${server['role']} are read-only by default`,
    `ALTER ROLE ${role} SET default_transaction_read_only = off;`,
  );
  const database = identifier(server['database']!);
  expect(
    server['create_schema'] === 't' || (server['own_schema'] === 't' && server['own_tables'] === 't'),
    'WEIR_PG_GRANT_WRITE',
    'the role may make schemas',
    `role ${server['role']} may not make schemas in database ${server['database']}`,
    `GRANT CREATE ON DATABASE ${database} TO ${role};`,
  );
  return [...results, durability(server)];
}

/** The session raises synchronous_commit itself; what the server does with its files is up to who runs it. */
function durability(server: Row): CheckResult {
  const code = 'PG_DURABILITY';
  if (server['fsync'] !== 'on') {
    const message = 'fsync is off: a crash of the server can lose what was committed, and more';
    return { code, level: 'warning', message, fix: 'ALTER SYSTEM SET fsync = on;' };
  }
  const setting = server['synchronous_commit'];
  const raised = setting === 'on' || setting === 'remote_apply' ? '' : ', raised to on';
  return { code, level: 'ok', message: `commits are durable (synchronous_commit ${setting}${raised})` };
}

async function triggerResult(client: pg.Client, server: Row): Promise<CheckResult> {
  const code = 'PG_TRIGGERS';
  try {
    await client.query('SET session_replication_role = replica');
    return { code, level: 'ok', message: 'triggers and foreign keys on the mirror are passed over' };
  } catch {
    const message = 'triggers and foreign keys that are put on the mirror are at work, and can refuse rows';
    const grant = `GRANT SET ON PARAMETER session_replication_role TO ${identifier(server['role']!)};`;
    return Number(server['version']) >= 150_000
      ? { code, level: 'ok', message: `${message} (to pass over them: ${grant})` }
      : { code, level: 'ok', message };
  }
}
