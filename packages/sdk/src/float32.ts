/**
 * The float32 nearest to a decimal, as strtof reads it. Rounding to a float64 and that to a float32 is the same but where
 * the float64 lies halfway between two float32 and the decimal does not: 7.038531e-26 is one.
 */
export function nearestFloat32(decimal: string): number {
  const read = Number(decimal);
  const rounded = Math.fround(read);
  const other = acrossMidpoint(read, rounded);
  if (other === null) return rounded;
  const side = compareMagnitude(decimal, read);
  if (side === 0) return rounded;
  const [nearer, further] = Math.abs(rounded) < Math.abs(other) ? [rounded, other] : [other, rounded];
  return side < 0 ? nearer : further;
}

/** True when a decimal lies exactly halfway between two float32. */
export function isHalfway32(decimal: string): boolean {
  const read = Number(decimal);
  return acrossMidpoint(read, Math.fround(read)) !== null && compareMagnitude(decimal, read) === 0;
}

/** The other neighbour of a float64 that lies halfway between two float32; null for any other. Midpoints fit a float64. */
function acrossMidpoint(read: number, rounded: number): number | null {
  if (read === rounded || !Number.isFinite(rounded)) return null;
  const bits = new Int32Array(new Float32Array([rounded]).buffer)[0]!;
  const step = Math.abs(read) > Math.abs(rounded) ? 1 : -1;
  const other = new Float32Array(new Int32Array([bits + step]).buffer)[0]!;
  return Number.isFinite(other) && read === (rounded + other) / 2 ? other : null;
}

/** Negative when the decimal is nearer to zero than the float64, 0 when they are equal, positive when further away. */
function compareMagnitude(decimal: string, value: number): number {
  const one = parts(decimal);
  const other = parts(value.toExponential(100));
  if (one.exponent !== other.exponent) return one.exponent - other.exponent;
  return one.digits < other.digits ? -1 : one.digits > other.digits ? 1 : 0;
}

/** A decimal as 0.DIGITS × 10^exponent, without zeros at either end of the digits. */
function parts(decimal: string): { digits: string; exponent: number } {
  const match = /^-?(\d*)\.?(\d*)(?:e([+-]?\d+))?$/.exec(decimal);
  const [, whole = '', fraction = '', exponent = '0'] = match ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const leadingZeros = whole.length + fraction.length - digits.length;
  return { digits: digits.replace(/0+$/, ''), exponent: whole.length - leadingZeros + Number(exponent) };
}
