import { Secret } from '@weir/sdk';
import { failure } from '@weir/testkit';
import { expect, test } from 'vitest';
import { connect } from './connect.ts';
import { knownPooler } from './known-poolers.ts';

test.each([
  ['aws-0-eu-central-1.pooler.supabase.com', 6543, 'Supabase’s pooler', 'db.PROJECT.supabase.co'],
  ['aws-0-eu-central-1.pooler.supabase.com', 5432, 'Supabase’s pooler', 'db.PROJECT.supabase.co'],
  ['ep-cool-sun-123456-pooler.eu-central-1.aws.neon.tech', 5432, 'Neon’s pooler', 'ep-cool-sun-123456.eu-central-1.aws.neon.tech'],
  ['shop.proxy-abc123.eu-central-1.rds.amazonaws.com', 5432, 'RDS Proxy', 'endpoint of the instance'],
  ['shop.postgres.database.azure.com', 6432, 'PgBouncer of Azure', 'shop.postgres.database.azure.com:5432'],
])('%s:%i is known by its name', (host, port, name, direct) => {
  expect(knownPooler({ host, port })).toMatchObject({ name, direct: expect.stringContaining(direct) as string });
});

test.each([
  ['db.abc.supabase.co', 5432],
  ['ep-cool-sun-123456.eu-central-1.aws.neon.tech', 5432],
  ['shop.abc123.eu-central-1.rds.amazonaws.com', 5432],
  ['shop.postgres.database.azure.com', 5432],
  ['127.0.0.1', 6432],
])('%s:%i is not', (host, port) => {
  expect(knownPooler({ host, port })).toBeNull();
});

test('it is refused before anything is sent, with the address to use', async () => {
  const url = new Secret('postgres://app:pw@ep-x-123-pooler.eu-central-1.aws.neon.tech/shop');
  const error = await failure(connect({ url }, new AbortController().signal));
  expect(error).toMatchObject({ code: 'WEIR_PG_POOLER', path: 'url', policy: { policy: 'stop-at-start' } });
  expect(error.fix).toContain('ep-x-123.eu-central-1.aws.neon.tech');
});
