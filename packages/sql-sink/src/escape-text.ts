const BACKSLASH = 0x5c;
const POINT = 0x2e;
const ZERO = 0x30;
/** From this length on one native copy of a run beats a loop. */
const NATIVE_COPY_BYTES = 24;

/** Stands in a table of escapes for a byte that no text may have. */
export const FORBIDDEN = 1;

/**
 * Writes UTF-8 with some bytes escaped.
 * @param escapes by byte: 0 = as it is, `FORBIDDEN`, else what stands for it after a backslash
 * @returns where it ends, or -1 at a byte that is not allowed
 */
export function writeEscaped(
  escapes: Uint8Array,
  out: Uint8Array,
  at: number,
  data: Uint8Array,
  start: number,
  end: number,
): number {
  let to = at;
  let from = start;
  while (from < end) {
    let stop = from;
    while (stop < end && escapes[data[stop]!] === 0) stop++;
    if (stop - from >= NATIVE_COPY_BYTES) {
      out.set(data.subarray(from, stop), to);
      to += stop - from;
    } else {
      for (let i = from; i < stop; i++) out[to++] = data[i]!;
    }
    if (stop === end) return to;
    const escaped = escapes[data[stop]!]!;
    if (escaped === FORBIDDEN) return -1;
    out[to++] = BACKSLASH;
    out[to++] = escaped;
    from = stop + 1;
  }
  return to;
}

/** Whether a decimal has digits other than 0 behind its first `scale` after the point: the server would round it. */
export function roundsAt(scale: number, data: Uint8Array, start: number, end: number): boolean {
  let last = end;
  while (last > start && data[last - 1] === ZERO) last--;
  for (let i = last - scale - 2; i >= start; i--) if (data[i] === POINT) return true;
  return false;
}
