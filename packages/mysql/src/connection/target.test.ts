import { Secret } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { connectionFields, needsServer } from './connection-config.ts';
import { hostText, resolveTarget } from './target.ts';
import { z } from 'zod';

const url = (text: string) => resolveTarget({ url: new Secret(text) });

describe('where a server is', () => {
  it('is said by a URL, whose parts are percent-encoded', () => {
    const target = url('mysql://we%40ir:p%3A%2F%40@db.example.com:3307/shop');
    expect(target).toMatchObject({ host: 'db.example.com', port: 3307, user: 'we@ir', database: 'shop' });
    expect(target.password!.reveal()).toBe('p:/@');
    expect(url('mariadb://[::1]/')).toMatchObject({ host: '::1', port: 3306, user: 'root', password: null, database: null });
    expect(url('mysql://root@%2Frun%2Fmysqld.sock/a')).toMatchObject({ host: '/run/mysqld.sock', tls: { mode: 'disable' } });
  });

  it('or by fields of their own', () => {
    expect(resolveTarget({ host: '10.0.0.1', user: 'weir', database: 'shop' })).toMatchObject({
      host: '10.0.0.1',
      port: 3306,
      user: 'weir',
      database: 'shop',
    });
    expect(hostText({ host: '::1', port: 3306 })).toBe('[::1]:3306');
  });

  it('is refused when it is none, and nothing of it is repeated (invariant 10)', () => {
    for (const wrong of ['postgres://secret@h/d', 'mysql://h:0/d', 'mysql://u:%zz@h/secret', 'mysql://h/d?ssl=true', 'secret']) {
      expect(() => url(wrong)).toThrow(expect.objectContaining({ code: 'WEIR_CONFIG_INVALID' }) as Error);
      expect(() => url(wrong)).not.toThrow(/secret/);
    }
  });

  it('is said in one way', () => {
    const block = z.strictObject(connectionFields).refine(needsServer.check, needsServer.params);
    expect(block.safeParse({ url: 'mysql://h/d' }).success).toBe(true);
    expect(block.safeParse({ host: 'h', port: 3306, password: 'p' }).success).toBe(true);
    for (const wrong of [{}, { url: 'mysql://h/d', user: 'u' }, { user: 'u' }, { host: 'h', port: 0 }]) {
      expect(block.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
    }
  });
});

describe('how it is spoken to', () => {
  it('is in the clear on this machine only, unless that is asked for', () => {
    expect(url('mysql://h/d').tls.mode).toBe('verify-full');
    expect(url('mysql://127.0.0.1/d').tls.mode).toBe('disable');
    expect(url('mysql://localhost/d').tls.mode).toBe('disable');
    const asked = { url: new Secret('mysql://h/d') };
    expect(resolveTarget({ ...asked, tls: 'disable' }).tls.mode).toBe('disable');
    expect(resolveTarget({ ...asked, tls: { ca: 'ca.pem' } }).tls).toEqual({ mode: 'verify-full', ca: 'ca.pem' });
    expect(resolveTarget({ url: new Secret('mysql://127.0.0.1/d'), tls: { ca: 'ca.pem' } }).tls.mode).toBe('verify-full');
  });
});
