import { plain, type Paint } from './paint.ts';
import { fit, pad, printable, textWidth } from './text-width.ts';

const GAP = '  ';
const MIN_COLUMN = 6;

export interface TableOptions {
  /** Columns of the terminal; wider tables are cut to it. Unlimited when left out. */
  readonly width?: number | undefined;
  readonly paint?: Paint;
  /** Colours a cell of the body, which is filled to its column's width. */
  readonly style?: (text: string, row: number, column: number) => string;
}

/** A table for people: a header, a rule, aligned columns, numbers to the right, NULL where a value is null. */
export function textTable(
  header: readonly string[],
  body: readonly (readonly (string | null)[])[],
  options: TableOptions = {},
): string[] {
  const { width = Infinity, paint = plain, style = (text) => text } = options;
  const titles = header.map((title) => printable(title));
  const cells = body.map((row) => row.map((value) => (value === null ? null : printable(value))));
  const widths = columnWidths(titles, cells, width);
  const right = titles.map((_, column) => isNumeric(cells, column));
  const line = (row: readonly (string | null)[], styled: (text: string, column: number) => string): string => {
    const shown = row.map((value, column) => {
      const text = pad(fit(value ?? 'NULL', widths[column]!), widths[column]!, right[column] ? 'right' : 'left');
      return value === null ? paint.dim(text) : styled(text, column);
    });
    return fit(shown.join(GAP).trimEnd(), width);
  };
  const rule = fit(widths.map((columns) => '─'.repeat(columns)).join(GAP), width);
  return [line(titles, paint.bold), paint.dim(rule), ...cells.map((row, index) => line(row, (text, column) => style(text, index, column)))];
}

function columnWidths(titles: readonly string[], cells: readonly (readonly (string | null)[])[], width: number): number[] {
  const widths = titles.map((title, column) => {
    let widest = textWidth(title);
    for (const row of cells) widest = Math.max(widest, textWidth(row[column] ?? 'NULL'));
    return widest;
  });
  const total = (): number => widths.reduce((sum, columns) => sum + columns, GAP.length * (widths.length - 1));
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= MIN_COLUMN) break;
    widths[widest]!--;
  }
  return widths;
}

function isNumeric(cells: readonly (readonly (string | null)[])[], column: number): boolean {
  const values = cells.map((row) => row[column] ?? null).filter((value) => value !== null);
  return values.length > 0 && values.every((value) => /^-?[\d,]+(\.\d+)?(e[+-]?\d+)?$/i.test(value));
}
