/** A time in µs since 1970 as `2024-05-01T12:00:00.123456`, in UTC. */
export function isoTime(time: number): string {
  const milliseconds = Math.floor(time / 1000);
  const micros = String(Math.trunc(time - milliseconds * 1000)).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${micros}`;
}
