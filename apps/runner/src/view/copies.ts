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

const VERBS = { anew: 'copied anew', 'in-place': 'read again in place', repair: 'compared' } as const;

type Repairs = NonNullable<CopyAnswer['repairs']>;

/** `  public.orders` and a line for each sink: `    warehouse: 2 of 12 ranges differed, 1,000 rows written` */
function repairLines(table: string, repairs: Repairs, paint: Paint): string[] {
  const lines = Object.entries(repairs).map(([sink, { [table]: found }]) => {
    if (found === undefined || found.different === 0) return `    ${printable(sink)}: the same`;
    const { ranges, different, rows } = found;
    const of = `${count(different)} of ${count(ranges)} ${ranges === 1 ? 'range' : 'ranges'} differed`;
    return `    ${printable(sink)}: ${paint.warning(of)}, ${count(rows)} ${rows === 1 ? 'row' : 'rows'} written`;
  });
  return [`  ${printable(table)}`, ...lines];
}

function foundIn(repairs: Repairs, paint: Paint): string {
  const found = Object.values(repairs).flatMap((tables) => Object.values(tables));
  return paint.good(found.some(({ different }) => different > 0) ? 'repaired; every sink holds it' : 'nothing differs');
}

/** What a copy came to, for a person. */
export function copyLines(answer: CopyAnswer, file: string, paint: Paint = plain): string[] {
  const { pipeline, how, tables, leftOut, done, repairs } = answer;
  const verb = VERBS[how];
  const left = leftOut.map(({ table, why }) => `${paint.warning('left out')}  ${printable(table)}: ${why}`);
  if (tables.length === 0) return [...left, `${pipeline}: nothing to copy`];
  const names = tables.map((table) => `  ${printable(table)}`);
  if (repairs !== undefined) return [...tables.flatMap((table) => repairLines(table, repairs, paint)), ...left, `${pipeline}: ${foundIn(repairs, paint)}`];
  const verdict = done
    ? paint.good(`${verb}; every sink holds it`)
    : `begun: ${tables.length === 1 ? 'it is' : 'they are'} being ${verb}; \`weir status ${file}\` shows how far it is`;
  return [...names, ...left, `${pipeline}: ${verdict}`];
}
