import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryPostgres } from '@weir/services';
import { Secret } from '@weir/sdk';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../connection/connect.ts';
import { query } from '../connection/query.ts';
import { vendorByHost, vendorOf, vendorResult, vendors } from './vendor.ts';

const { signal } = new AbortController();

let server: Awaited<ReturnType<typeof temporaryPostgres>>;
let client: pg.Client;

beforeAll(async () => {
  server = await temporaryPostgres({ fsync: 'off' });
  client = await connect({ url: new Secret(server.url) }, signal);
});

afterAll(async () => {
  await client.end();
  await server[Symbol.asyncDispose]();
});

test('a server of anybody has no vendor', async () => {
  expect(await vendorOf(client)).toBeNull();
});

test.each([
  ['rds_superuser', 'rds'],
  ['cloudsqlsuperuser', 'cloudSql'],
  ['azure_pg_admin', 'azure'],
  ['neon_superuser', 'neon'],
] as const)('role %s tells %s, whatever the name of the host', async (role, vendor) => {
  await query(client, `CREATE ROLE ${role}`);
  expect(await vendorOf(client)).toBe(vendors[vendor]);
  await query(client, `DROP ROLE ${role}`);
});

test('Supabase has two roles, Aurora a function, the others settings', async () => {
  await query(client, 'CREATE ROLE supabase_admin');
  await query(client, 'CREATE ROLE supabase_auth_admin');
  expect(await vendorOf(client)).toBe(vendors.supabase);
  await query(client, 'DROP ROLE supabase_admin');
  await query(client, 'DROP ROLE supabase_auth_admin');
  for (const [setting, vendor] of [['rds.extensions', 'rds'], ['azure.extensions', 'azure'], ['neon.timeline_id', 'neon']] as const) {
    const other = await connect({ url: new Secret(server.url) }, signal);
    await query(other, `SET "${setting.replace('.', '"."')}" = 'x'`);
    expect(await vendorOf(other), setting).toBe(vendors[vendor]);
    await other.end();
  }
});

test.each([
  ['shop.abc123.eu-central-1.rds.amazonaws.com', 'rds'],
  ['shop.cluster-abc123.eu-central-1.rds.amazonaws.com', 'aurora'],
  ['shop.cluster-ro-abc123.cn-north-1.rds.amazonaws.com.cn', 'aurora'],
  ['shop.postgres.database.azure.com', 'azure'],
  ['db.abcdef.supabase.co', 'supabase'],
  ['ep-cool-sun-123456.eu-central-1.aws.neon.tech', 'neon'],
  ['abc.def.europe-west1.sql.goog', 'cloudSql'],
  ['db.example', null],
  ['rds.amazonaws.com.example', null],
])('host %s tells %s', (host, vendor) => {
  expect(vendorByHost(host)).toBe(vendor);
});

test('check prints parameter, grant and limit, and the page', () => {
  const { code, level, message } = vendorResult(vendors.rds, 'app');
  expect([code, level]).toEqual(['PG_VENDOR', 'ok']);
  expect(message).toMatch(/rds\.logical_replication = 1.*GRANT rds_replication TO app;.*limit: .*OldestReplicationSlotLag/);
  expect(message).toContain('docs/vendors/rds.md, untested by us');
});

test.each(Object.values(vendors))('the page of $name says parameter, grant and limit, and that nobody tested it', ({ page }) => {
  const text = readFileSync(join(import.meta.dirname, '../../../../docs/vendors', `${page}.md`), 'utf8');
  expect(text).toMatch(/^# .*\n\nUntested by us/);
  for (const row of ['Parameter', 'Grant', 'Limit']) expect(text).toMatch(new RegExp(`^\\| ${row} \\| .{10}`, 'm'));
});
