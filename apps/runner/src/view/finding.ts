import type { Finding } from '../check.ts';
import { plain, type Paint } from './paint.ts';
import { paragraph, printable } from './text-width.ts';

const INDENT = 11;

export interface FindingOptions {
  readonly width?: number | undefined;
  readonly paint?: Paint;
}

/** The findings of `weir check`, grouped by the part of the pipeline that they are about. */
export function findingLines(
  file: string,
  findings: readonly Finding[],
  { width, paint = plain }: FindingOptions = {},
): string[] {
  const lines: string[] = [];
  let part = '';
  for (const finding of findings) {
    const title = `${finding.pipeline}: ${finding.part} (${finding.connector})`;
    if (title !== part) lines.push(paint.bold(title));
    part = title;
    lines.push(...oneFinding(file, finding, { width, paint }));
  }
  return lines;
}

/** A finding below the title of what it is about. */
export function oneFinding(file: string, finding: Finding, { width, paint = plain }: FindingOptions = {}): string[] {
  const levels = { ok: paint.good('ok     '), warning: paint.warning('warning'), error: paint.bad('error  ') };
  const message = paragraph(printable(finding.message), INDENT, width);
  if (finding.level === 'ok') return [`  ${levels.ok}  ${message.join('\n').trimStart()}`];
  return [
    `  ${levels[finding.level]}  ${paint.bold(finding.code)} at ${file}:${finding.line}:${finding.column}`,
    ...paragraph(`(${finding.path})`, INDENT, width),
    ...message,
    ...(finding.fix === null ? [] : paragraph(printable(`fix: ${finding.fix}`), INDENT, width)),
  ];
}
