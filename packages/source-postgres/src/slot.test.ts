import { expect, test } from 'vitest';
import { SharedConnection } from './shared-connection.ts';
import { checkStreamedSlot } from './slot.ts';

/** A server whose slot stands at 0/C8 (200). @param asked is called with each question, before its answer */
function standing(asked: () => void): SharedConnection {
  const row = { plugin: 'pgoutput', database: 'shop', wal_status: 'reserved', confirmed_flush_lsn: '0/C8', two_phase: 'f' };
  const query = async (): Promise<{ rows: object[] }> => {
    asked();
    return await Promise.resolve({ rows: [row] });
  };
  return new SharedConnection({ query } as never);
}

test('a slot that followed what became durable while it was looked at has not been moved by another', async () => {
  let confirmed = 100n;
  const check = checkStreamedSlot(standing(() => void (confirmed = 200n)), 'weir_shop', () => confirmed);
  await expect(check).resolves.toBeUndefined();
});

test('one that is past what is confirmed has', async () => {
  const check = checkStreamedSlot(standing(() => {}), 'weir_shop', () => 199n);
  await expect(check).rejects.toMatchObject({ code: 'WEIR_PG_SLOT_ADVANCED' });
});
