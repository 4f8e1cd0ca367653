/**
 * A double in a document, as MySQL prints it: the shortest decimal that reads back the same, plain while its point is at most 14
 * places before or 15 behind the first digit, or stands among its digits; otherwise `1.5e-20`. A number without a fraction has `.0`
 * (strings/dtoa.cc, my_gcvt; sql-common/json_dom.cc, wrapper_to_string).
 * @param value finite
 */
export function jsonDouble(value: number): string {
  const text = Math.abs(value).toExponential();
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', exponentText = ''] = text.split('e');
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  const point = exponent + 1;
  if (point < -14 || (point > 15 && digits.length <= point)) return `${sign}${mantissa}e${exponent}`;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (digits.length <= point) return `${sign}${digits.padEnd(point, '0')}.0`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
