import { describe, expect, test } from 'vitest';
import { errorCodes } from './error-codes.ts';
import { WeirError, explainError, toWeirError } from './errors.ts';

const url = 'postgres://app:s3cret@db/shop';

describe('WeirError', () => {
  test('has the remedy and the policy of its code', () => {
    const error = new WeirError('WEIR_STORE_LOCKED', 'the directory is in use');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'WeirError', code: 'WEIR_STORE_LOCKED', message: 'the directory is in use' });
    expect(error.fix).toBe(errorCodes.WEIR_STORE_LOCKED.remedy);
    expect(error.policy).toBe(errorCodes.WEIR_STORE_LOCKED);
    expect('cause' in error).toBe(false);
  });

  test('may have a more exact fix, a place and a cause', () => {
    const cause = new Error('ECONNREFUSED');
    const place = { file: 'weir.yaml', line: 3, column: 7 };
    const error = new WeirError('WEIR_PG_CONNECT', 'no answer', { fix: 'Start it.', path: 'source.url', place, cause });
    expect(error).toMatchObject({ fix: 'Start it.', path: 'source.url', place, cause });
  });

  test('has no secret of a URL in its message, stack, fix and explanation (invariant 10)', () => {
    const error = new WeirError('WEIR_PG_CONNECT', `no answer from ${url}`, { fix: `psql ${url}` });
    for (const text of [error.message, error.stack, error.fix, String(error), explainError(error), JSON.stringify(error)]) {
      expect(text).not.toContain('s3cret');
    }
    expect(error.message).toBe('no answer from postgres://app:***@db/shop');
  });
});

describe('toWeirError', () => {
  test('gives a WeirError back as it is', () => {
    const error = new WeirError('WEIR_USAGE', 'no such command');
    expect(toWeirError(error)).toBe(error);
  });

  test('makes anything else an internal error with its cause', () => {
    const cause = new TypeError(`cannot read ${url}`);
    const error = toWeirError(cause);
    expect(error).toMatchObject({ code: 'WEIR_INTERNAL', message: 'cannot read postgres://app:***@db/shop', cause });
    expect(toWeirError('text')).toMatchObject({ code: 'WEIR_INTERNAL', message: 'text', cause: 'text' });
    expect(toWeirError(null)).toMatchObject({ code: 'WEIR_INTERNAL', message: 'null' });
  });
});

describe('explainError', () => {
  test('says code, message and fix', () => {
    expect(explainError(new WeirError('WEIR_USAGE', 'no such command: rum'))).toBe(
      'WEIR_USAGE\n  no such command: rum\n  fix: See `weir --help`.',
    );
  });

  test('says where in the configuration', () => {
    const place = { file: 'weir.yaml', line: 3, column: 7 };
    const options = { path: 'pipelines.shop', place, fix: 'Write 1MiB.' };
    const error = new WeirError('WEIR_CONFIG_INVALID', 'expected a size', options);
    expect(explainError(error)).toBe(
      'WEIR_CONFIG_INVALID at weir.yaml:3:7 (pipelines.shop)\n  expected a size\n  fix: Write 1MiB.',
    );
  });
});
