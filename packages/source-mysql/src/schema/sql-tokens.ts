/** A piece of a statement. */
export interface Token {
  /** `word`: not quoted, `name`: in backticks, `quoted`: in double quotes, a name or a text, `text`: in single quotes. */
  readonly kind: 'word' | 'name' | 'quoted' | 'text' | 'number' | 'symbol';
  /** Without quotes and escapes. */
  readonly text: string;
}

/** How a session writes texts. */
export interface SqlModes {
  readonly noBackslashEscapes: boolean;
}

/** Spaces, comments, and the opening and the end of a comment whose content is executed. */
const SPACE = /(?:\s+|#.*(?:\n|$)|--(?=\s|$).*(?:\n|$)|\/\*(?!M?!)[\s\S]*?\*\/|\/\*M?!\d*|\*\/)+/uy;
const TOKEN =
  /(?<word>[\p{L}_$\u0080-\uffff][\w$\u0080-\uffff]*)|(?<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?(?![\w$])|\.\d+(?![\w$]))|(?<digits>\d[\w$\u0080-\uffff]*)|`(?<name>(?:[^`]|``)*)`|(?<symbol>[^\s'"`])/iuy;
const ESCAPED: Readonly<Record<string, string>> = { 0: '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\u001a' };

/** Takes a statement apart. @returns null where a quote has no end */
export function sqlTokens(text: string, modes: SqlModes): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    if (SPACE.test(text)) at = SPACE.lastIndex;
    if (at === text.length) return tokens;
    const quote = text[at]!;
    if (quote === "'" || quote === '"') {
      const quoted = readQuoted(text, at, modes);
      if (quoted === null) return null;
      tokens.push({ kind: quote === "'" ? 'text' : 'quoted', text: quoted.text });
      at = quoted.end;
      continue;
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text)?.groups;
    if (found === undefined) return null;
    at = TOKEN.lastIndex;
    const { word, number, digits, name, symbol } = found;
    if (name !== undefined) tokens.push({ kind: 'name', text: name.replaceAll('``', '`') });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol });
    else tokens.push({ kind: 'word', text: (word ?? digits)! });
  }
}

function readQuoted(text: string, start: number, { noBackslashEscapes }: SqlModes): { text: string; end: number } | null {
  const quote = text[start]!;
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === quote) {
      if (text[at + 1] !== quote) return { text: value, end: at + 1 };
      at++;
      value += quote;
    } else if (character === '\\' && !noBackslashEscapes) {
      at++;
      const escaped = text[at] ?? '';
      // These two stay as they are, for patterns of LIKE.
      value += escaped === '%' || escaped === '_' ? `\\${escaped}` : (ESCAPED[escaped] ?? escaped);
    } else value += character;
  }
  return null;
}
