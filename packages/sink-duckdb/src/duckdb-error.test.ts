import { describe, expect, it } from 'vitest';
import { WeirError } from '@weir/sdk';
import { isConflict, openError, sessionError, writeError } from './duckdb-error.ts';

describe('an error of DuckDB', () => {
  it('while writing is tried again and tells no value of a row (invariant 10)', () => {
    const messages = {
      "Conversion Error: Could not convert string 'secret' to INT32 when casting\n\nLINE 1: SELECT 'secret'":
        'Conversion Error: Could not convert string … to INT32 when casting',
      'Constraint Error: Duplicate key "id: secret" violates primary key':
        'Constraint Error: Duplicate key … violates primary key',
      "Conversion Error: unterminated 'secret": 'Conversion Error: unterminated …',
      'IO Error: Could not write all bytes to file "/data/shop.duckdb": No space left on device':
        'IO Error: Could not write all bytes to file "/data/shop.duckdb": No space left on device',
    };
    for (const [message, told] of Object.entries(messages)) {
      const error = writeError(new Error(message), 'merging');
      expect(error).toMatchObject({ code: 'WEIR_DUCKDB_QUERY', message: `merging: ${told}`, policy: { policy: 'retry' } });
    }
  });

  it('about a sync that failed ends the run, from whatever connection it comes (invariant 1)', () => {
    const givenUp =
      'FATAL Error: Failed: database has been invalidated because of a previous fatal error.\nOriginal error: "fsync failed!"';
    for (const message of ['FATAL Error: fsync failed!', givenUp]) {
      expect(writeError(new Error(message), 'committing')).toMatchObject({ code: 'WEIR_DUCKDB_SYNC', policy: { policy: 'stop' } });
    }
  });

  it('for want of memory says what to raise, and is tried again', () => {
    const used = 'failed to pin block of size 256.0 KiB (255.9 MiB/256.0 MiB used)';
    for (const message of [`Out of Memory Error: ${used}`, `FATAL Error: Failed to create checkpoint because of error: ${used}`]) {
      const expected = { code: 'WEIR_DUCKDB_MEMORY', policy: { policy: 'retry', remedy: expect.stringContaining('memory_limit') as string } };
      expect(writeError(new Error(message), 'taking the fence')).toMatchObject(expected);
      expect(openError(new Error(message), '/data/shop.duckdb')).toMatchObject(expected);
    }
  });

  it('that nobody expected is still one of DuckDB, and a mistake in the code is still a defect', () => {
    const full = 'Failed to append: Could not write file "/data/shop.duckdb.tmp/storage.tmp": No space left on device';
    expect(sessionError(new Error(full))).toMatchObject({ code: 'WEIR_DUCKDB_QUERY', message: `writing: ${full}` });
    const quoting = "Failed to append: Conversion Error: Could not convert string 'secret' to INT32";
    expect(sessionError(new Error(quoting)).message).not.toContain('secret');
    expect(sessionError(new TypeError('undefined is not a function'))).toMatchObject({ code: 'WEIR_INTERNAL' });
    const own = new WeirError('WEIR_DUCKDB_DIVERGED', 'a row is gone');
    expect(sessionError(own)).toBe(own);
  });

  it('that is Weir’s own already stays as it is', () => {
    const own = new WeirError('WEIR_DUCKDB_VALUE', 'a value');
    expect(writeError(own, 'merging')).toBe(own);
  });

  it('is known as a conflict with another transaction', () => {
    expect(isConflict(new Error('TransactionContext Error: Conflict on update!'))).toBe(true);
    expect(isConflict(new Error('TransactionContext Error: Catalog write-write conflict on create with "t"'))).toBe(true);
    expect(isConflict(new Error('IO Error: conflict'))).toBe(false);
  });

  it('while opening is about a lock or about the file', () => {
    const locked =
      'IO Error: Could not set lock on file "/data/shop.duckdb": Conflicting lock is held in /usr/bin/node (PID 42) ' +
      'by user app. See also https://duckdb.org/docs/stable/connect/concurrency';
    expect(openError(new Error(locked), '/data/shop.duckdb')).toMatchObject({
      code: 'WEIR_DUCKDB_LOCKED',
      message:
        '/data/shop.duckdb is open in another process: Conflicting lock is held in /usr/bin/node (PID 42) by user app',
    });
    expect(
      openError(new Error('IO Error: Could not set lock on file "a": Resource temporarily unavailable'), 'a').code,
    ).toBe('WEIR_DUCKDB_LOCKED');
    expect(openError(new Error('IO Error: Cannot open file "a": Permission denied'), 'a').code).toBe('WEIR_DUCKDB_OPEN');
    const full = 'IO Error: Could not write all bytes to file "a": wanted=4096 wrote=0: No space left on device';
    expect(openError(new Error(full), 'a')).toMatchObject({ code: 'WEIR_DUCKDB_QUERY', policy: { policy: 'retry' } });
  });
});
