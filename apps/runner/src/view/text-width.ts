import { stripVTControlCharacters } from 'node:util';

/** Scripts and symbols that a terminal draws two columns wide. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uFF01-\uFF60\u3000-\u303F]/u;
const ZERO = /[\p{Mark}\p{Default_Ignorable_Code_Point}]/u;

/** Text from elsewhere (a table's name, a value) made harmless: no control character reaches the terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return stripVTControlCharacters(text).replace(/[\u0000-\u001F\u007F-\u009F]/g, (character) => CONTROL[character] ?? '�');
}

const CONTROL: Readonly<Record<string, string>> = { '\n': '⏎', '\t': ' ', '\r': '' };

/** Columns that a text takes on a terminal; colours take none. */
export function textWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  // oxlint-disable-next-line no-control-regex -- plain ASCII is the quick case
  if (/^[\u0020-\u007E]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const character of plain) width += characterWidth(character);
  return width;
}

/** The text cut to at most `width` columns, with `…` where it was cut. Colours in it are kept and closed. */
export function fit(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width <= 0) return '';
  // oxlint-disable-next-line no-control-regex -- colours are escape sequences
  const parts = text.split(/(\u001B\[[0-9;]*m)/);
  let [used, result] = [0, ''];
  for (const part of parts) {
    if (part.startsWith('\u001B')) {
      result += part;
      continue;
    }
    for (const character of part) {
      if (used + characterWidth(character) > width - 1) return `${result}…${parts.length > 1 ? '\u001B[0m' : ''}`;
      result += character;
      used += characterWidth(character);
    }
  }
  return result;
}

/** The text broken at blanks into lines of at most `width` columns; a longer word is left whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && textWidth(last) + 1 + textWidth(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The text as indented lines that fit into `width` columns. */
export function paragraph(text: string, indent: number, width: number = Infinity): string[] {
  return wrap(text, width - indent).map((line) => ' '.repeat(indent) + line);
}

/** The text filled with blanks to `width` columns. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return side === 'left' ? text + blanks : blanks + text;
}

function characterWidth(character: string): number {
  return ZERO.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
}
