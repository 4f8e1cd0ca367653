import { describe, expect, it } from 'vitest';
import { dateFromDays, daysFromDate, daysInMonth } from './calendar.ts';

describe('the calendar', () => {
  it('counts days from 1970-01-01', () => {
    expect(daysFromDate(1970, 1, 1)).toBe(0);
    expect(daysFromDate(1969, 12, 31)).toBe(-1);
    expect(daysFromDate(2000, 2, 29)).toBe(11_016);
    expect(daysFromDate(-4712, 1, 1)).toBe(-2_440_550);
  });

  it('goes there and back for every day of eight thousand years, as JavaScript does', () => {
    const wrong: number[] = [];
    for (let days = -1_500_000; days < 1_500_000; days++) {
      const { year, month, day } = dateFromDays(days);
      const date = new Date(days * 86_400_000);
      const same = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
      if (!same || daysFromDate(year, month, day) !== days || day > daysInMonth(year, month)) wrong.push(days);
    }
    expect(wrong).toEqual([]);
    expect(daysInMonth(1900, 2)).toBe(28);
    expect(daysInMonth(2000, 2)).toBe(29);
    expect(daysInMonth(2001, 13)).toBe(0);
  });
});
