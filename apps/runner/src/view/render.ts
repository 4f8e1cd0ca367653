import type { PipelineStatus, SinkStatus } from '@weir/engine';
import type { TableProgress } from '@weir/sdk';
import { plain, type Paint } from './paint.ts';
import { bytes, count, elapsed, rows, span } from './quantities.ts';
import type { RateMeter } from './rate-meter.ts';
import { fit, pad, paragraph, printable, textWidth } from './text-width.ts';

export interface RenderOptions {
  /** Columns of the terminal; no line is wider. */
  readonly width: number;
  /** Most lines; tables are left out first. Unlimited when left out. */
  readonly height?: number;
  /** ms since 1970 */
  readonly now: number;
  /** When the process started; shown as a running clock. */
  readonly startedAt?: number;
  /** Without it no rates are shown. */
  readonly rates?: RateMeter;
  readonly paint?: Paint;
  readonly footer?: string;
}

const MIN_WIDTH = 20;
const MAX_WIDTH = 100;
const MOST_STOPPED = 5;
const BAR = { full: '█', empty: '░', parts: ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] };

/** The live view of some pipelines as lines for a terminal. Pure: the same input gives the same lines. */
export function render(pipelines: readonly PipelineStatus[], options: RenderOptions): string[] {
  const { width, height = Infinity, paint = plain, footer } = options;
  const end = footer === undefined ? [] : ['', paint.dim(footer)];
  let tables = Infinity;
  let lines = layOut(pipelines, options, tables);
  // Take tables out, a few at a time, until the view fits; what is left out is counted on a line of its own.
  while (lines.length + end.length > height && tables > 0) {
    tables = tables === Infinity ? Math.max(...pipelines.map(tableCount), 1) - 1 : tables - 1;
    lines = layOut(pipelines, options, tables);
  }
  return [...lines.slice(0, Math.max(0, height - end.length)), ...end].slice(0, height).map((line) => fit(line, width));
}

function tableCount({ source, sinks }: PipelineStatus): number {
  return Math.max(source.snapshot.length, ...Object.values(sinks).map(({ rowsByTable }) => Object.keys(rowsByTable).length));
}

function layOut(pipelines: readonly PipelineStatus[], options: RenderOptions, tables: number): string[] {
  return pipelines.flatMap((status, index) => [
    ...(index > 0 ? [''] : []),
    header(status, options),
    ...failureLines(status, options),
    ...sourceLines(status, options),
    ...(status.source.phase === 'snapshot' ? snapshotLines(status.source.snapshot, options, tables) : []),
    ...Object.entries(status.sinks).flatMap(([name, sink]) => sinkLines(status, name, sink, options, tables)),
  ]);
}

function header(status: PipelineStatus, { width, now, startedAt, paint = plain }: RenderOptions): string {
  const left = `${paint.bold(printable(status.name))}  ${phaseName(status, paint)}`;
  const right = startedAt === undefined ? '' : paint.dim(elapsed(now - startedAt));
  const gap = Math.min(width, MAX_WIDTH) - textWidth(left) - textWidth(right);
  return right === '' || gap < 2 ? left : `${left}${' '.repeat(gap)}${right}`;
}

/** What a person should know of the source: that it began anew behind a gap, and that it keeps too much log. */
function sourceLines({ source }: PipelineStatus, { width, now, paint = plain }: RenderOptions): string[] {
  const { begunAnew = null, retainedBytes = null, retainedLimitBytes = null } = source;
  const told: string[] = [];
  if (begunAnew !== null) told.push(`began anew ${span(now - begunAnew.at)} ago: ${begunAnew.code}`);
  if (retainedBytes !== null && retainedLimitBytes !== null && retainedBytes > retainedLimitBytes) {
    told.push(`the server keeps ${bytes(retainedBytes)} of log, more than ${bytes(retainedLimitBytes)}`);
  }
  return told.flatMap((text) => paragraph(text, 2, Math.min(width, MAX_WIDTH)).map((line) => paint.warning(line)));
}

/** What the pipeline does, in one or two words. */
export function phaseName({ state, source, attempt }: PipelineStatus, paint: Paint = plain): string {
  switch (state) {
    case 'running':
      if (source.phase === 'stream' && source.isCatchingUp === true) return paint.good('catching up');
      return paint.good({ connecting: 'connecting', snapshot: 'copying', stream: 'streaming' }[source.phase]);
    case 'retrying':
      return paint.warning(`retrying, attempt ${attempt}`);
    case 'failed':
      return paint.bad('failed');
    case 'draining':
      return paint.warning('draining');
    default:
      return state;
  }
}

function failureLines({ failure }: PipelineStatus, { width, now, paint = plain }: RenderOptions): string[] {
  if (failure === null) return [];
  const { code, message, fix, at } = failure;
  const columns = Math.min(width, MAX_WIDTH);
  return [
    `  ${paint.bad(code)}  ${paint.dim(`${span(now - at)} ago`)}`,
    ...paragraph(printable(message), 4, columns),
    ...paragraph(printable(`fix: ${fix}`), 4, columns),
  ];
}

function snapshotLines(progress: readonly TableProgress[], options: RenderOptions, tables: number): string[] {
  const done = progress.reduce((sum, table) => sum + table.rows, 0);
  const expected = progress.reduce((sum, table) => sum + expectedRows(table), 0);
  const known = progress.every((table) => table.done || table.estimatedRows > 0);
  const share = shareOf(
    done,
    expected,
    progress.every((table) => table.done),
  );
  const total = known ? ` of about ${count(expected)}` : '';
  const shown = tables === Infinity ? progress : pickTables(progress, tables);
  const names = Math.max(...shown.map(({ table }) => textWidth(printable(table))), 0);
  const nameWidth = Math.min(names, Math.max(8, Math.floor(options.width / 3)));
  const lines = shown.map((table) => {
    const name = pad(fit(printable(table.table), nameWidth), nameWidth);
    const tableShare = shareOf(table.rows, table.estimatedRows > 0 ? expectedRows(table) : 0, table.done);
    return `  ${name}  ${progressBar(tableShare, options)}  ${pad(count(table.rows), 11, 'right')}`;
  });
  return [
    `  ${pad('total', nameWidth)}  ${progressBar(known ? share : null, options)}  ${pad(count(done), 11, 'right')}${total}`,
    ...lines,
    ...leftOut(progress.length - shown.length, options),
  ];
}

/** The planner's guess may be too low: what is there already counts. */
function expectedRows({ rows: copied, estimatedRows, done }: TableProgress): number {
  return done ? copied : Math.max(copied, estimatedRows);
}

/** 0 to 1; below 1 until everything is done. Null when nothing is known. */
function shareOf(copied: number, expected: number, done: boolean): number | null {
  if (done) return 1;
  return expected === 0 ? null : Math.min(copied / expected, 0.99);
}

/** Tables still being copied come first. */
function pickTables(progress: readonly TableProgress[], most: number): readonly TableProgress[] {
  return [...progress].sort((a, b) => Number(a.done) - Number(b.done)).slice(0, most);
}

function progressBar(share: number | null, { width, paint = plain }: RenderOptions): string {
  const columns = Math.max(4, Math.min(30, Math.floor((Math.min(width, MAX_WIDTH) - MIN_WIDTH) / 3)));
  if (share === null) return `${paint.dim(BAR.empty.repeat(columns))}     `;
  const eighths = Math.floor(share * columns * 8);
  const full = BAR.full.repeat(Math.floor(eighths / 8)) + BAR.parts[eighths % 8]!;
  const percent = pad(`${Math.floor(share * 100)}%`, 4, 'right');
  return `${paint.good(full)}${paint.dim(BAR.empty.repeat(columns - textWidth(full)))} ${percent}`;
}

function sinkLines(
  status: PipelineStatus,
  name: string,
  sink: SinkStatus,
  options: RenderOptions,
  tables: number,
): string[] {
  const { now, rates, paint = plain } = options;
  const moves = status.state === 'running' || status.state === 'draining';
  const rate = moves ? (rates?.rate(status.name, name) ?? null) : null;
  const lag = [
    ...lagParts(sink.lagMs, status.source.lagBytes),
    ...(rate === null ? [] : [`${count(rate)} rows/s`]),
    ...(sink.queueBytes > 0 ? [`${bytes(sink.queueBytes)} waiting`] : []),
  ];
  const age = sink.committedAt === null ? '' : `, ${span(now - sink.committedAt)} ago`;
  const checkpoint = sink.checkpoint === null ? 'no checkpoint yet' : `checkpoint ${printable(sink.checkpoint)}${age}`;
  const dead = sink.rows.deadLetters > 0 ? paint.warning(`, ${rows(sink.rows.deadLetters)} set aside`) : '';
  const delivered = [`${rows(sink.rows.delivered)} delivered${dead}`, ...lag].join(' · ');
  return [
    `  ${paint.dim('→')} ${paint.bold(printable(name))}  ${delivered}`,
    `    ${paint.dim([checkpoint, ...schemaParts(sink)].join(' · '))}`,
    ...stoppedLines(sink, options),
    ...(status.source.phase === 'snapshot' ? [] : deliveredLines(sink, options, tables)),
  ];
}

/** `3 schema changes`, of all kinds and whatever became of them. */
function schemaParts({ schemaChangeTotals }: SinkStatus): string[] {
  const changes = Object.values(schemaChangeTotals)
    .flatMap((actions) => Object.values(actions))
    .reduce((sum, some) => sum + some, 0);
  return changes === 0 ? [] : [`${count(changes)} schema ${changes === 1 ? 'change' : 'changes'}`];
}

function stoppedLines({ stoppedTables }: SinkStatus, { width, paint = plain }: RenderOptions): string[] {
  const shown = stoppedTables.slice(0, MOST_STOPPED).flatMap(({ table, code, message }) => [
    `    ${paint.bad('stopped')}  ${printable(table)}  ${code}`,
    ...paragraph(printable(message), 6, Math.min(width, MAX_WIDTH)),
  ]);
  const more = stoppedTables.length - MOST_STOPPED;
  return more > 0 ? [...shown, `    ${paint.bad(`and ${count(more)} more stopped`)}`] : shown;
}

/** `lag 42 ms, 1.2 KiB`; during a copy there is no time to tell, and bytes only when there are any. */
function lagParts(lagMs: number | null, lagBytes: number | null): string[] {
  if (lagMs !== null) return [`lag ${span(lagMs)}${lagBytes === null ? '' : `, ${bytes(lagBytes)}`}`];
  return lagBytes === null || lagBytes === 0 ? [] : [`${bytes(lagBytes)} behind`];
}

function deliveredLines({ rowsByTable }: SinkStatus, options: RenderOptions, tables: number): string[] {
  const entries = Object.entries(rowsByTable).sort(([a], [b]) => (a < b ? -1 : 1));
  const shown = entries.slice(0, tables);
  const nameWidth = Math.min(
    Math.max(...shown.map(([name]) => textWidth(printable(name))), 0),
    Math.floor(options.width / 2),
  );
  const numberWidth = Math.max(...shown.map(([, delivered]) => count(delivered).length), 0);
  return [
    ...shown.map(
      ([name, delivered]) =>
        `    ${pad(fit(printable(name), nameWidth), nameWidth)}  ${pad(count(delivered), numberWidth, 'right')}`,
    ),
    ...leftOut(entries.length - shown.length, options),
  ];
}

function leftOut(tables: number, { paint = plain }: RenderOptions): string[] {
  return tables > 0 ? [paint.dim(`    and ${count(tables)} more ${tables === 1 ? 'table' : 'tables'}`)] : [];
}

/** One line about a pipeline, for logs. */
export function statusLine(status: PipelineStatus, rates?: RateMeter): string {
  const parts = Object.entries(status.sinks).map(([name, sink]) => {
    const rate = rates?.rate(status.name, name) ?? null;
    const lag = sink.lagMs === null ? '' : `, lag ${span(sink.lagMs)}`;
    const stopped = sink.stoppedTables.map(({ table }) => table).join(', ');
    const without = stopped === '' ? '' : `, stopped: ${stopped}`;
    return `${name} ${rows(sink.rows.delivered)}${rate === null ? '' : ` (${count(rate)}/s)`}${lag}${without}`;
  });
  const copied = status.source.phase === 'snapshot' ? ` ${copiedShare(status.source.snapshot)}` : '';
  const failure = status.failure === null ? '' : `: ${status.failure.code} ${status.failure.message}`;
  return printable(`${status.name} ${phaseName(status)}${copied}${failure} → ${parts.join('; ')}`);
}

function copiedShare(progress: readonly TableProgress[]): string {
  const done = progress.reduce((sum, table) => sum + table.rows, 0);
  const expected = progress.reduce((sum, table) => sum + expectedRows(table), 0);
  const share = shareOf(
    done,
    expected,
    progress.every((table) => table.done),
  );
  return share === null ? '' : `${Math.floor(share * 100)}%`;
}
