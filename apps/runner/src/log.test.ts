import { Secret } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { createLog } from './log.ts';
import { logLine } from './view/log-line.ts';
import { plain } from './view/paint.ts';

function logged(fields: object, message: string, secrets: string[] = []): Record<string, unknown> {
  const lines: string[] = [];
  createLog({ secrets, destination: { write: (line) => void lines.push(line) } }).info(fields, message);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0]!) as Record<string, unknown>;
}

describe('the log', () => {
  test('is JSON with a level, a time and a message', () => {
    expect(logged({ pipeline: 'shop', rows: 3, big: 2n ** 62n }, 'hello')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      pipeline: 'shop',
      rows: 3,
      big: '4611686018427387904',
      msg: 'hello',
    });
  });

  test('holds no secret (invariant 10)', () => {
    const error = Object.assign(new Error('refused: postgres://app:hunter22@db/x'), { detail: 'Key (email)=(a@b) exists' });
    const fields = {
      url: 'postgres://app:hunter22@db/shop',
      err: error,
      config: { url: new Secret('hunter22'), password: 'hunter22', list: ['token is swordfish'] },
    };
    const entry = logged(fields, 'connecting to postgres://app:hunter22@db with swordfish', ['swordfish']);
    const text = JSON.stringify(entry);
    expect(text).not.toMatch(/hunter22|swordfish|a@b/);
    expect(entry['url']).toBe('postgres://app:***@db/shop');
    expect(entry['err']).toMatchObject({ name: 'Error', message: 'refused: postgres://app:***@db/x' });
  });

  test('a secret next to other fields does not damage the line', () => {
    expect(logged({ a: 'postgres://db:5432/x', b: 'me@home' }, 'm')).toMatchObject({
      a: 'postgres://db:5432/x',
      b: 'me@home',
    });
  });

  test('as a short line for a person', () => {
    const entry = {
      level: 'warn',
      time: '2026-05-04T12:03:04.567Z',
      pipeline: 'shop',
      code: 'WEIR_PG_CONNECT',
      attempt: 2,
      msg: 'lost',
    };
    const clock = new Date(entry.time).toTimeString().slice(0, 8);
    expect(logLine(entry, plain)).toBe(`${clock} warn  shop: lost  code=WEIR_PG_CONNECT attempt=2`);
  });
});
