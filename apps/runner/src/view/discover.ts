import type { DiscoveredSource, DiscoveredTable } from '../discover.ts';
import { plain, type Paint } from './paint.ts';
import { count } from './quantities.ts';
import { textTable } from './text-table.ts';
import { paragraph, printable } from './text-width.ts';

export interface DiscoverViewOptions {
  readonly width?: number | undefined;
  readonly paint?: Paint;
  /** Every column of every table. */
  readonly verbose?: boolean;
}

const COPIES = { 'by-key': 'in chunks, by key', snapshot: 'in one snapshot', none: 'not copied' } as const;

/** The tables of a source, what is not captured of it, and why. */
export function discoverLines({ pipeline, connector, tables, others }: DiscoveredSource, options: DiscoverViewOptions = {}): string[] {
  const { width, paint = plain, verbose = false } = options;
  const body = tables.map(({ table, key, estimatedRows, captured, copy, columns }) => [
    table,
    key.join(', ') || 'none',
    estimatedRows === null ? '' : count(estimatedRows),
    count(columns.length),
    captured === 'changes' ? 'every change' : captured === 'inserts' ? 'inserts only' : 'refused',
    copy === null ? '' : COPIES[copy],
  ]);
  const header = ['table', 'key', 'about rows', 'columns', 'captured', 'copied'];
  return [
    paint.bold(printable(`${pipeline}: source (${connector})`)),
    ...(tables.length === 0 ? ['no table is captured'] : textTable(header, body, { width, paint })),
    ...tables.flatMap((table) => detailLines(table, { width, paint, verbose })),
    ...(others.length === 0 ? [] : ['', paint.bold('not captured')]),
    ...others.flatMap(({ table, why }) => paragraph(printable(`${table}: ${why}`), 2, width)),
  ];
}

function detailLines({ table, note, problem, columns }: DiscoveredTable, { width, paint = plain, verbose }: DiscoverViewOptions): string[] {
  const shown = verbose ? columns : [];
  if (note === null && problem === null && shown.length === 0) return [];
  return [
    '',
    paint.bold(printable(table)),
    ...shown.map(({ column, sourceType, logicalType, nullable }) => {
      return printable(`  ${column}  ${sourceType} → ${logicalType}${nullable ? '' : ', not null'}`);
    }),
    ...(note === null ? [] : paragraph(printable(note), 2, width)),
    ...(problem === null ? [] : paragraph(paint.bad(printable(`${problem.code}: ${problem.message}`)), 2, width)),
    ...(problem?.fix == null ? [] : paragraph(printable(`fix: ${problem.fix}`), 2, width)),
  ];
}
