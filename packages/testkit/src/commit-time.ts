/** A commit's time, in µs since 1970, as a canonical `timestamptz` cell. */
export function commitTimeCell(time: number): string {
  const seconds = Math.floor(time / 1e6);
  const fraction = String(time - seconds * 1e6)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`;
}
