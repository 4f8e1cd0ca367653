import { describe, expect, it } from 'vitest';
import { replicaIdentity } from './replica-identity.ts';

describe('the identity of a pipeline as a replica', () => {
  it('is the same at every start, and another for another pipeline or id', () => {
    expect(replicaIdentity('shop', null)).toEqual(replicaIdentity('shop', null));
    const some = [...Array.from({ length: 500 }, (_, index) => replicaIdentity(`shop-${index}`, null)), replicaIdentity('shop', 1), replicaIdentity('shop', 2)];
    expect(new Set(some.map(({ uuid }) => uuid)).size).toBe(some.length);
    expect(new Set(some.map(({ serverId }) => serverId)).size).toBe(some.length);
  });

  it('has a server id of 32 bits that no person gives, and a UUID', () => {
    for (let pipeline = 0; pipeline < 500; pipeline++) {
      const { serverId, uuid } = replicaIdentity(`${pipeline}`, null);
      expect(serverId).toBeGreaterThanOrEqual(2 ** 31);
      expect(serverId).toBeLessThan(2 ** 32 - 1);
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u);
    }
  });

  it('has the server id that is asked for', () => {
    expect(replicaIdentity('shop', 7).serverId).toBe(7);
  });
});
