/**
 * A pattern of a configuration: `schema.table`, where `*` stands for any characters and `?` for one, up to the first dot and
 * behind it. A part in double quotes is taken literally, `""` in it is one quote. A leading `!` excludes.
 */
export const tablePatternText: RegExp = /^!?(?:"(?:[^"]|"")+"|[^".\s])+\.(?:"(?:[^"]|"")+"|[^"\s])+$/u;

/** A pattern that names one table: no wildcard and no `!`. */
export const tableNameText: RegExp = /^(?!!)(?:"(?:[^"]|"")+"|[^".\s*?])+\.(?:"(?:[^"]|"")+"|[^"\s*?])+$/u;

/** The name of a relation; `tableName` of it is for people, since names may have dots. */
export interface TableName {
  readonly namespace: string;
  readonly name: string;
}

export interface TablePattern {
  /** As it is written in the configuration. */
  readonly text: string;
  readonly excludes: boolean;
  /** The one table that it names; null when it has a wildcard. */
  readonly exact: TableName | null;
  matches(table: TableName): boolean;
}

/** @param text that `tablePatternText` accepts */
export function parsePattern(text: string): TablePattern {
  const excludes = text.startsWith('!');
  const pattern = excludes ? text.slice(1) : text;
  const first = /^(?:"(?:[^"]|"")+"|[^".])+/u.exec(pattern)?.[0] ?? '';
  const parts = [first, pattern.slice(first.length + 1)] as const;
  const [namespace, name] = [glob(parts[0]), glob(parts[1])];
  const exact =
    namespace.literal === null || name.literal === null ? null : { namespace: namespace.literal, name: name.literal };
  return {
    text,
    excludes,
    exact,
    matches: (table) => namespace.pattern.test(table.namespace) && name.pattern.test(table.name),
  };
}

/** Whether some pattern matches a table and none excludes it. */
export function isChosen(table: TableName, patterns: readonly TablePattern[]): boolean {
  const matches = (excluding: boolean): boolean => patterns.some((each) => each.excludes === excluding && each.matches(table));
  return matches(false) && !matches(true);
}

interface Glob {
  readonly pattern: RegExp;
  /** The only text that it matches; null when it has a wildcard. */
  readonly literal: string | null;
}

function glob(pattern: string): Glob {
  let source = '';
  let only: string | null = '';
  for (const [text, quoted] of pattern.matchAll(/"((?:[^"]|"")+)"|[^"]/gu)) {
    const wildcard = quoted === undefined && (text === '*' || text === '?');
    const character = quoted === undefined ? text : quoted.replaceAll('""', '"');
    if (wildcard) source += text === '*' ? '.*' : '.';
    else source += literal(character);
    only = wildcard || only === null ? null : only + character;
  }
  return { pattern: new RegExp(`^${source}$`, 'su'), literal: only };
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** A name as a pattern that names it and nothing else: quoted where it has to be. */
export function patternOf({ namespace, name }: TableName): string {
  const plain = (text: string, dots: boolean): boolean => !(dots ? /["*?!\s]/u : /["*?!\s.]/u).test(text);
  const part = (text: string, dots: boolean): string => (plain(text, dots) ? text : `"${text.replaceAll('"', '""')}"`);
  return `${part(namespace, false)}.${part(name, true)}`;
}
