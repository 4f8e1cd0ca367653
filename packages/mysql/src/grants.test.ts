import { describe, expect, it } from 'vitest';
import { Grants } from './grants.ts';

describe('what a user may do', () => {
  it('is everything for who has all privileges there, or everywhere', () => {
    const everywhere = new Grants(['GRANT ALL PRIVILEGES ON *.* TO `weir`@`%` WITH GRANT OPTION']);
    expect([everywhere.allows('SELECT', 'weir'), everywhere.allows('REPLICATION SLAVE', null)]).toEqual([true, true]);
    const there = new Grants(['GRANT USAGE ON *.* TO `weir`@`%`', 'GRANT ALL PRIVILEGES ON `weir`.* TO `weir`@`%`']);
    expect([there.allows('SELECT', 'weir'), there.allows('SELECT', 'shop')]).toEqual([true, false]);
    expect(there.allows('REPLICATION SLAVE', null)).toBe(false);
  });

  it('is what all grants that match give together, whose databases are patterns', () => {
    const grants = new Grants([
      'GRANT USAGE ON *.* TO `weir`@`%` IDENTIFIED BY PASSWORD',
      'GRANT SELECT, INSERT ON `we\\_r%`.* TO `weir`@`%`',
      'GRANT INDEX, ALTER ON `we_r_mirror`.* TO `weir`@`%`',
      'GRANT DELETE ON `we_r_mirror`.`orders` TO `weir`@`%`',
    ]);
    const all = ['SELECT', 'INSERT', 'INDEX', 'ALTER', 'DELETE'];
    expect(all.filter((privilege) => grants.allows(privilege, 'we_r_mirror'))).toEqual(['SELECT', 'INSERT', 'INDEX', 'ALTER']);
    expect(all.filter((privilege) => grants.allows(privilege, 'weir'))).toEqual([]);
  });

  it('is not all known of who has roles', () => {
    expect(new Grants(['GRANT USAGE ON *.* TO `weir`@`%`']).hasRoles).toBe(false);
    expect(new Grants(['GRANT USAGE ON *.* TO `weir`@`%`', 'GRANT `writer`@`%` TO `weir`@`%`']).hasRoles).toBe(true);
  });
});
