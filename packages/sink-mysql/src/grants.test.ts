import { describe, expect, it } from 'vitest';
import { missingPrivileges } from './grants.ts';

describe('what a user lacks on a database', () => {
  it('is nothing for who has everything there, or everywhere', () => {
    expect(missingPrivileges(['GRANT ALL PRIVILEGES ON *.* TO `weir`@`%` WITH GRANT OPTION'], 'weir')).toEqual([]);
    expect(missingPrivileges(['GRANT USAGE ON *.* TO `weir`@`%`', 'GRANT ALL PRIVILEGES ON `weir`.* TO `weir`@`%`'], 'weir')).toEqual([]);
  });

  it('is told by name, over all grants that match', () => {
    const grants = [
      'GRANT USAGE ON *.* TO `weir`@`%`',
      'GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP ON `we\\_r%`.* TO `weir`@`%`',
      'GRANT INDEX, ALTER ON `other`.* TO `weir`@`%`',
    ];
    expect(missingPrivileges(grants, 'we_r_mirror')).toEqual(['ALTER', 'INDEX', 'CREATE TEMPORARY TABLES']);
    expect(missingPrivileges(grants, 'weir')).toContain('SELECT');
  });

  it('is not known of who has roles', () => {
    expect(missingPrivileges(['GRANT USAGE ON *.* TO `weir`@`%`', 'GRANT `writer`@`%` TO `weir`@`%`'], 'weir')).toEqual([]);
  });
});
