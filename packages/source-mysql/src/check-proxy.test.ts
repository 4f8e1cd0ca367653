import { describe, expect, it } from 'vitest';
import { proxyResult } from './check-proxy.ts';

describe('who answers', () => {
  it('is the server where it knows the connection by the id of the greeting, of which that has 32 bits', () => {
    expect(proxyResult(17, '17', 'MySQL Community Server - GPL').level).toBe('ok');
    expect(proxyResult(17, String(2n ** 32n + 17n), 'mariadb.org binary distribution').level).toBe('ok');
  });

  it.each([
    ['18', 'MySQL Community Server - GPL', 'another id'],
    ['17', '(ProxySQL)', 'ProxySQL answers'],
    ['17', '23.08.4 maxscale', 'maxscale answers'],
  ])('is a proxy: connection %s of %s', (answered, comment, message) => {
    expect(proxyResult(17, answered, comment)).toMatchObject({ code: 'WEIR_MYSQL_PROXY', level: 'error', message: expect.stringContaining(message) as string });
  });
});
