/** A time in µs since 1970 as text that MySQL reads as a DATETIME(6) in UTC. */
export function timestampText(time: number): string {
  const milliseconds = Math.floor(time / 1000);
  const micros = String(Math.trunc(time - milliseconds * 1000)).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1).replace('T', ' ')}${micros}`;
}
