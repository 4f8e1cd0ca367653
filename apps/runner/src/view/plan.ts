import { schemaPolicies, type ColumnPlan } from '@weir/sdk';
import type { PipelinePlan, PlanFinding, PlannedTable, SinkPlan, SourceSide } from '../plan.ts';
import { oneFinding } from './finding.ts';
import { plain, type Paint } from './paint.ts';
import { count } from './quantities.ts';
import { textTable } from './text-table.ts';
import { fit, pad, paragraph, printable, textWidth } from './text-width.ts';

export interface PlanViewOptions {
  readonly width?: number | undefined;
  readonly paint?: Paint;
  /** Every column of every table, not only those with something to say. */
  readonly verbose?: boolean;
}

/** The column of the table of tables that is coloured. */
const ACTION = 2;

/** A plan for people: what the source has, and for each sink how it delivers and what its tables become. */
export function planLines(file: string, plan: PipelinePlan, options: PlanViewOptions = {}): string[] {
  const { width, paint = plain } = options;
  const { pipeline, source, sinks, findings } = plan;
  const ofPart = (part: string): PlanFinding[] => findings.filter((finding) => finding.part === part);
  return [
    `${paint.bold(printable(`${pipeline}: source (${source.connector})`))}  ${tableCount(source.tables)}`,
    ...sourceLines(source, width),
    ...ofPart('source').flatMap((finding) => oneFinding(file, finding, { width, paint })),
    ...grantLines(plan, options),
    ...sinks.flatMap((sink) => ['', ...sinkLines(file, plan, sink, ofPart(`sink ${sink.sink}`), options)]),
  ];
}

const COPIES = {
  known: 'go on as they are',
  'by-key': 'copied by key, in chunks beside the stream',
  snapshot: 'copied in one snapshot, while the stream waits',
  none: 'not copied, only their changes from the start on',
} as const;

/** What becomes of the tables at the start, and what is made or changed for it. */
function sourceLines({ tables, removed, changes }: SourceSide, width: number | undefined): string[] {
  const groups = (Object.keys(COPIES) as (keyof typeof COPIES)[]).flatMap((copy) => {
    const names = tables.filter((table) => table.copy === copy).map(({ table }) => printable(table));
    return names.length === 0 ? [] : paragraph(`${COPIES[copy]}: ${names.join(', ')}`, 2, width);
  });
  const gone = removed.map((table) => printable(table)).join(', ');
  return [
    ...groups,
    ...(removed.length === 0 ? [] : paragraph(`not captured any more, their rows stay at the sinks: ${gone}`, 2, width)),
    ...changes.flatMap((sql) => paragraph(`at the source: ${printable(sql)}`, 2, width)),
  ];
}

function grantLines({ grants }: PipelinePlan, { width, paint = plain }: PlanViewOptions): string[] {
  if (grants.length === 0) return [];
  return ['', paint.bold('rights that are missing, to be granted by their owners'), ...grants.flatMap((sql) => paragraph(printable(sql), 2, width))];
}

function tableCount({ length }: readonly unknown[]): string {
  return `${count(length)} ${length === 1 ? 'table' : 'tables'}`;
}

function sinkLines(
  file: string,
  { pipeline }: PipelinePlan,
  sink: SinkPlan,
  findings: readonly PlanFinding[],
  options: PlanViewOptions,
): string[] {
  const { width, paint = plain } = options;
  const { mechanism, limit } = sink.delivery;
  const title = printable(`${pipeline} → ${sink.sink} (${sink.connector})`);
  return [
    paint.bold(title),
    ...paragraph(rules(sink), 2, width),
    ...paragraph(`class ${sink.delivery.class}: ${mechanism}; limit: ${limit}`, 2, width).map((line) => paint.dim(line)),
    ...findings.filter(({ table }) => table === null).flatMap((finding) => oneFinding(file, finding, { width, paint })),
    ...(sink.tables.length === 0 ? [] : ['', ...tableLines(sink.tables, options)]),
    ...sink.tables.flatMap((table) => detailLines(file, table, findings, options)),
  ];
}

/** `mirror, hard deletes; schema changes: apply, drop_table: ignore; on error: stop` */
function rules({ mode, deletes, schemaChanges, onError }: SinkPlan): string {
  const kinds = Object.entries(schemaChanges);
  const common = (['apply', 'ignore', 'stop'] as const).find((policy) => {
    return kinds.every(([kind, chosen]) => schemaPolicies(policy)[kind as keyof typeof schemaChanges] === chosen);
  });
  const named = kinds.map(([kind, policy]) => `${kind.replace('-', '_')}: ${policy}`).join(', ');
  const how = mode === 'append' ? 'append' : `mirror, ${deletes} deletes`;
  return `${how}; schema changes: ${common ?? named}; on error: ${onError}`;
}

function tableLines(tables: readonly PlannedTable[], { width, paint = plain }: PlanViewOptions): string[] {
  const colours = { create: paint.good, use: paint.good, refuse: paint.bad, unknown: paint.warning };
  const body = tables.map(({ table, target, action, columns }) => [
    table,
    target,
    action,
    action === 'unknown' ? '' : count(columns.length),
  ]);
  const style = (text: string, row: number, column: number): string =>
    column === ACTION ? colours[tables[row]!.action](text) : text;
  return textTable(['table', 'target', 'action', 'columns'], body, { width, paint, style });
}

/** The columns that have something to say, and what is wrong with a table. */
function detailLines(
  file: string,
  { table, columns }: PlannedTable,
  all: readonly PlanFinding[],
  options: PlanViewOptions,
): string[] {
  const { width, paint = plain, verbose = false } = options;
  const findings = all.filter((finding) => finding.table === table);
  const shown = columns.filter(({ note, sinkType }) => verbose || note !== undefined || sinkType === null);
  if (shown.length === 0 && findings.length === 0) return [];
  return [
    '',
    paint.bold(printable(table)),
    ...columnLines(shown, options),
    ...findings.flatMap((finding) => oneFinding(file, finding, { width, paint })),
  ];
}

/** `  total  numeric(12,2) → decimal(12, 2) → DECIMAL(12,2)`, with the note below. */
function columnLines(columns: readonly ColumnPlan[], { width = Infinity, paint = plain }: PlanViewOptions): string[] {
  const longest = Math.max(0, ...columns.map(({ column }) => textWidth(printable(column))));
  const nameWidth = Math.min(longest, Math.max(8, Math.floor(width / 3)));
  return columns.flatMap(({ column, sourceType, logicalType, sinkType, note }) => {
    const types = [sourceType, logicalType].map((type) => printable(type)).join(' → ');
    const sink = sinkType === null ? paint.bad('none') : printable(sinkType);
    const line = `  ${pad(fit(printable(column), nameWidth), nameWidth)}  ${types} → ${sink}`;
    return [fit(line, width), ...(note === undefined ? [] : paragraph(printable(note), nameWidth + 4, width))];
  });
}
