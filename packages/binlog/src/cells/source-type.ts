/** A type as the catalog says it: COLUMN_TYPE of information_schema.COLUMNS. */
export interface SourceType {
  /** In lower case: `int`, `varchar`, `enum`, `uuid`. */
  readonly name: string;
  /** The numbers in its parentheses: precision and scale, a length, digits of a fraction. */
  readonly numbers: readonly number[];
  /** The labels of an enum or a set. */
  readonly labels: readonly string[];
  readonly unsigned: boolean;
  readonly zerofill: boolean;
}

const LABEL = /'((?:[^'\\]|''|\\.)*)'/gs;
const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r' };

/** Takes a COLUMN_TYPE apart: `bigint(20) unsigned`, `enum('a','b')`, `datetime(6)`. */
export function parseSourceType(text: string): SourceType {
  const [, name = ''] = /^\s*([a-z]\w*)/i.exec(text) ?? [];
  const lower = name.toLowerCase();
  const isLabelled = lower === 'enum' || lower === 'set';
  const [, inside = ''] = isLabelled ? [] : (/^[^(]*\(([^)]*)\)/.exec(text) ?? []);
  const rest = isLabelled ? '' : text.slice(name.length).toLowerCase();
  return {
    name: lower,
    numbers: inside === '' ? [] : inside.split(',').map(Number),
    labels: isLabelled ? labelsOf(text) : [],
    unsigned: /\bunsigned\b/.test(rest) || /\bzerofill\b/.test(rest),
    zerofill: /\bzerofill\b/.test(rest),
  };
}

/** Quotes inside a label are doubled; NUL, ends of lines and backslashes stand behind a backslash (sql/sql_string.cc, append_unescaped). */
function labelsOf(text: string): string[] {
  return [...text.matchAll(LABEL)].map(([, label = '']) =>
    label.replaceAll(/''|\\(.)/gs, (match, escaped: string | undefined) =>
      match === "''" ? "'" : (ESCAPES[escaped!] ?? escaped!),
    ),
  );
}
