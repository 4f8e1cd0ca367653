import { describe, expect, test } from 'vitest';
import { byteSize, duration, parseBytes, parseDuration, secret } from './config.ts';

describe('parseBytes', () => {
  test.each([
    ['0', 0],
    ['4096', 4096],
    ['7B', 7],
    ['1KB', 1000],
    ['1KiB', 1024],
    ['1.5MiB', 1_572_864],
    ['256MiB', 268_435_456],
    ['1 GB', 1_000_000_000],
    [' 2gib ', 2_147_483_648],
    [0, 0],
    [4096, 4096],
  ])('%j is %i bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  test.each(['', ' ', 'MiB', '-1', '1e3', '1,5MB', '.5MB', '1TB', '1 000', '1MBit'])('%j is none', (text) => {
    expect(parseBytes(text)).toBeNull();
  });

  test.each(['9007199254740993', '9'.repeat(400), -1, 1.5, NaN, Infinity])('%j is no number of bytes', (text) => {
    expect(parseBytes(text)).toBeNull();
  });
});

describe('parseDuration', () => {
  test.each([
    ['0s', 0],
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['5 m', 300_000],
    [' 1h ', 3_600_000],
    ['2d', 172_800_000],
    [0, 0],
    [250, 250],
  ])('%j is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '10', 's', '-1s', '1S', '1 min', '1w', '1m30s', '1e3s', 'PT10S', `${'9'.repeat(400)}d`, -1, NaN, Infinity])(
    '%j is none',
    (text) => expect(parseDuration(text)).toBeNull(),
  );
});

describe('the values of a configuration', () => {
  test('are numbers after parsing', () => {
    expect(byteSize.parse('256MiB')).toBe(268_435_456);
    expect(duration.parse('10s')).toBe(10_000);
  });

  test('that are wrong say what is expected', () => {
    expect(byteSize.safeParse('much').error?.issues[0]?.message).toContain('256MiB');
    expect(duration.safeParse('long').error?.issues[0]?.message).toContain('10s');
    expect(byteSize.safeParse(null).success).toBe(false);
    expect(duration.safeParse({}).success).toBe(false);
  });

  test('that are secret never show, not even when they are wrong', () => {
    const parsed = secret.parse('s3cret');
    expect(String(parsed)).toBe('***');
    expect(parsed.reveal()).toBe('s3cret');
    expect(secret.safeParse('').success).toBe(false);
    expect(JSON.stringify(secret.safeParse(['s3cret']).error)).not.toContain('s3cret');
  });
});
