const MONTH_DAYS = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether year 0 to 9999, month and day are one of the Gregorian calendar; zeros for month or day are not. */
export function isCalendarDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month]!) return false;
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
}

/** What becomes of a date or time that is no day of the calendar: `0000-00-00`, `2024-00-10`, `2024-02-31`. */
export type ZeroDates =
  /** NULL. */
  | 'null'
  /** An error, WEIR_BINLOG_ZERO_DATE. */
  | 'error'
  /** All cells of the column are strings, the server's own text. */
  | 'text';
