import type { TableProgress } from '@weir/sdk';
import type { CopyAnswer } from '../api/copies.ts';
import { plain, type Paint } from './paint.ts';
import { count } from './quantities.ts';
import { printable } from './text-width.ts';

/** `public.orders: 1,234 of about 5,000 rows; 2 of 3 tables done` */
export function progressLine(progress: readonly TableProgress[]): string {
  const current = progress.find(({ done }) => !done);
  if (current === undefined) return 'waiting for the copy …';
  const { table, rows: copied, estimatedRows } = current;
  const of = estimatedRows > copied ? ` of about ${count(estimatedRows)}` : '';
  const done = progress.filter((one) => one.done).length;
  return `${printable(table)}: ${count(copied)}${of} rows; ${done} of ${progress.length} tables done`;
}

/** What a copy came to, for a person. */
export function copyLines({ pipeline, how, tables, leftOut, done }: CopyAnswer, file: string, paint: Paint = plain): string[] {
  const verb = how === 'anew' ? 'copied anew' : 'read again in place';
  const left = leftOut.map(({ table, why }) => `${paint.warning('left out')}  ${printable(table)}: ${why}`);
  if (tables.length === 0) return [...left, `${pipeline}: nothing to copy`];
  const names = tables.map((table) => `  ${printable(table)}`);
  const verdict = done
    ? paint.good(`${verb}; every sink holds it`)
    : `begun: ${tables.length === 1 ? 'it is' : 'they are'} being ${verb}; \`weir status ${file}\` shows how far it is`;
  return [...names, ...left, `${pipeline}: ${verdict}`];
}
