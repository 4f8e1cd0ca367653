import { isHalfway32, nearestFloat32 } from './float32.ts';

/**
 * The canonical text of floats: the shortest decimal that reads back the same, written as PostgreSQL writes it, so that every
 * source and sink has the same bytes for a value (invariant 9). That is: plain digits while the decimal exponent is at
 * least -4 and below 15 (float64) or 6 (float32), otherwise `d.ddde±XX` with at least two digits of exponent.
 * Rules: PostgreSQL, src/common/d2s.c and f2s.c.
 */
export function float64Text(value: number): string {
  if (!Number.isFinite(value) || value === 0) return special(value);
  const text = value.toExponential();
  return layout(Math.abs(value) >= 2 ** 52 && isHalfway64(text, value) ? strictly64(value) : text, 15);
}

/** @param value a number that a float32 holds */
export function float32Text(value: number): string {
  if (!Number.isFinite(value) || value === 0) return special(value);
  for (let digits = 1; digits < 9; digits++) {
    const text = shortest32(value, digits);
    if (text !== null) return layout(text, 6);
  }
  return layout(value.toExponential(8), 6);
}

function special(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Turns `-1.25e+3`, JavaScript's exponential form, into PostgreSQL's text. */
function layout(exponential: string, fixedBelow: number): string {
  const sign = exponential.startsWith('-') ? '-' : '';
  const [mantissa = '', exponentText = ''] = exponential.slice(sign.length).split('e');
  const exponent = Number(exponentText);
  const digits = mantissa.replace('.', '').replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= fixedBelow) {
    const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${sign}${digits[0]}${rest}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = exponent + 1;
  if (digits.length <= whole) return sign + digits.padEnd(whole, '0');
  return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
}

/**
 * PostgreSQL takes only decimals strictly between the midpoints to the neighbouring floats; JavaScript takes a midpoint too
 * where reading it back rounds to the value. A decimal of 17 digits can be a midpoint from 2^52 on only.
 */
function isHalfway64(exponential: string, value: number): boolean {
  const shown = exactInteger(exponential);
  const exact = BigInt(value);
  if (shown === exact) return false;
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0]!;
  const neighbour = (step: bigint): number => new Float64Array(new BigUint64Array([bits + step]).buffer)[0]!;
  const away = shown < 0n ? -shown > -exact : shown > exact;
  const next = neighbour(away ? 1n : -1n);
  return Number.isFinite(next) && shown * 2n === exact + BigInt(next);
}

/** The shortest decimal that is no midpoint. */
function strictly64(value: number): string {
  for (let digits = 1; digits < 17; digits++) {
    const text = value.toExponential(digits - 1);
    if (Number(text) === value && !isHalfway64(text, value)) return text;
  }
  return value.toExponential(16);
}

/** The integer that an exponential text with a large exponent stands for. */
function exactInteger(exponential: string): bigint {
  const [mantissa = '', exponentText = ''] = exponential.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction.padEnd(Number(exponentText), '0'));
}

/** The decimal of so many digits nearest to the value, if it reads back as the value and is no midpoint. */
function shortest32(value: number, digits: number): string | null {
  const nearest = nearestDecimal(value, digits);
  if (readsBack32(nearest, value)) return nearest;
  // At a power of two the float below is nearer than the one above: a decimal further up may be the only one that fits.
  const above = stepDigit(nearest, 1n);
  return readsBack32(above, value) ? above : null;
}

/** Between two equally near decimals the even one, where JavaScript takes the larger. */
function nearestDecimal(value: number, digits: number): string {
  const nearest = value.toExponential(digits - 1);
  const last = nearest.charCodeAt(nearest.indexOf('e') - 1);
  if (last % 2 === 0 || !value.toExponential(digits).includes('5e')) return nearest;
  const exact = value.toExponential(100).replace(/^-?|\.|e.*$/g, '');
  return /^50*$/.test(exact.slice(digits)) ? stepDigit(nearest, -1n) : nearest;
}

function readsBack32(text: string, value: number): boolean {
  return nearestFloat32(text) === value && !isHalfway32(text);
}

/** One more or less in the last digit, away from or towards zero. */
function stepDigit(exponential: string, step: bigint): string {
  const sign = exponential.startsWith('-') ? '-' : '';
  const [mantissa = '', exponent = ''] = exponential.slice(sign.length).split('e');
  const digits = mantissa.replace('.', '');
  const stepped = String(BigInt(digits) + step);
  const shift = Number(exponent) + stepped.length - digits.length;
  return `${sign}${stepped[0]}${stepped.length > 1 ? `.${stepped.slice(1)}` : ''}e${shift}`;
}
