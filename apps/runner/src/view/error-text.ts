import { explainError, type WeirError } from '@weir/sdk';
import type { Paint } from './paint.ts';
import { paragraph, printable } from './text-width.ts';

/** An error as `explainError` tells it, laid out for a terminal: the code stands out, long lines are broken at blanks. */
export function errorText(error: WeirError, width: number | undefined, paint: Paint): string {
  const [where = '', ...rest] = explainError(error).split('\n');
  const head = where.startsWith(error.code)
    ? paint.bad(error.code) + printable(where.slice(error.code.length))
    : printable(where);
  return [head, ...rest.flatMap((line) => paragraph(printable(line.trim()), 2, width))].join('\n');
}
