import type { TableStop, TableVerdict } from '@weir/engine';
import type { SinkVerdict } from '../verify.ts';
import { plain, type Paint } from './paint.ts';
import { count } from './quantities.ts';
import { textTable } from './text-table.ts';
import { paragraph, printable } from './text-width.ts';

export interface VerdictOptions {
  readonly width?: number | undefined;
  readonly paint?: Paint;
}

/** What came out for one sink: its tables, those that are stopped, and the verdict at the end. */
export function verdictLines(verdict: SinkVerdict, options: VerdictOptions = {}): string[] {
  const { width, paint = plain } = options;
  const { tables, stopped, equal, note } = verdict;
  if (note !== null) return paragraph(note, 0, width).map((line) => paint.warning(line));
  return [
    ...tableLines(tables, options),
    ...(stopped.length > 0 ? ['', ...stopped.flatMap((stop) => stoppedLines(stop, options))] : []),
    '',
    equal === true ? paint.good('verified') : paint.bad('different'),
  ];
}

function stoppedLines({ table, code, message }: TableStop, { width, paint = plain }: VerdictOptions): string[] {
  return [`${paint.warning('stopped')}  ${printable(table)}  ${code}`, ...paragraph(printable(message), 2, width)];
}

/** The counts of each table on both sides, and below them the first keys of those that differ. */
function tableLines(tables: readonly TableVerdict[], { width, paint = plain }: VerdictOptions): string[] {
  const body = tables.map((verdict) => [
    verdict.table,
    count(verdict.sourceRows),
    count(verdict.sinkRows),
    summary(verdict),
  ]);
  const total = [
    'total',
    count(sum(tables, 'sourceRows')),
    count(sum(tables, 'sinkRows')),
    tables.every(({ equal }) => equal) ? 'equal' : 'DIFFERENT',
  ];
  return [
    ...textTable(['table', 'source rows', 'sink rows', 'verdict'], [...body, total], { width, paint }),
    ...tables.filter(({ equal }) => !equal).flatMap((verdict) => differences(verdict, paint)),
  ];
}

function summary({ equal, differentColumns, sourceDuplicates, sinkDuplicates }: TableVerdict): string {
  if (equal) return 'equal';
  const reasons = [
    ...(differentColumns.length > 0 ? [`in ${differentColumns.map(printable).join(', ')}`] : []),
    ...(sourceDuplicates > 0 ? [`${count(sourceDuplicates)} double at the source`] : []),
    ...(sinkDuplicates > 0 ? [`${count(sinkDuplicates)} double at the sink`] : []),
  ];
  return ['DIFFERENT', ...reasons].join(' ');
}

function differences({ table, differingKeys }: TableVerdict, paint: Paint): string[] {
  const explained = {
    missing: 'missing at the sink',
    extra: 'at the sink only',
    different: 'different',
    duplicate: 'more than once',
  };
  const keys = differingKeys.map(({ key, problem }) => `  ${printable(key)}  ${explained[problem]}`);
  return ['', paint.bold(`${printable(table)}: the first keys that differ`), ...keys];
}

function sum(tables: readonly TableVerdict[], column: 'sourceRows' | 'sinkRows'): number {
  return tables.reduce((total, verdict) => total + verdict[column], 0);
}
