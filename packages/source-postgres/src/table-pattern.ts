/**
 * A pattern of a configuration: `schema.table`, where `*` stands for any characters and `?` for one, up to the first dot and
 * behind it. A part in double quotes is taken literally, `""` in it is one quote. A leading `!` excludes.
 */
export const tablePatternText: RegExp = /^!?(?:"(?:[^"]|"")+"|[^".\s])+\.(?:"(?:[^"]|"")+"|[^"\s])+$/u;

interface TablePattern {
  readonly excludes: boolean;
  readonly namespace: RegExp;
  readonly name: RegExp;
}

/** The tables that the patterns select: matched by one, and by no pattern with a leading `!`. */
export function selectTables<T extends { readonly namespace: string; readonly name: string }>(
  tables: readonly T[],
  patterns: readonly string[],
): T[] {
  const parsed = patterns.map(parsePattern);
  const matching = ({ namespace, name }: T, excludes: boolean): boolean =>
    parsed.some((pattern) => pattern.excludes === excludes && pattern.namespace.test(namespace) && pattern.name.test(name));
  return tables.filter((table) => matching(table, false) && !matching(table, true));
}

function parsePattern(pattern: string): TablePattern {
  const excludes = pattern.startsWith('!');
  const text = excludes ? pattern.slice(1) : pattern;
  const namespace = /^(?:"(?:[^"]|"")+"|[^".])+/u.exec(text)?.[0] ?? '';
  return { excludes, namespace: glob(namespace), name: glob(text.slice(namespace.length + 1)) };
}

function glob(pattern: string): RegExp {
  let source = '';
  for (const [text, quoted] of pattern.matchAll(/"((?:[^"]|"")+)"|[^"]/gu)) {
    if (quoted !== undefined) source += literal(quoted.replaceAll('""', '"'));
    else if (text === '*') source += '.*';
    else source += text === '?' ? '.' : literal(text);
  }
  return new RegExp(`^${source}$`, 'su');
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
