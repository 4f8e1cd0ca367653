import { WeirError } from '@weir/sdk';

/** A name in SQL, quoted: `` `order` ``. @throws WeirError WEIR_SDK_USE for a NUL, which no name has */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new WeirError('WEIR_SDK_USE', 'a name for SQL holds a NUL character');
  return `\`${name.replaceAll('`', '``')}\``;
}

/**
 * A text in SQL, quoted: `'it''s'`. Sessions are without NO_BACKSLASH_ESCAPES and speak utf8mb4, in which no byte of a
 * character is a quote or a backslash.
 */
export function quoteLiteral(text: string): string {
  return `'${text.replace(/['\\\0]/g, (character) => (character === '\0' ? '\\0' : `\\${character}`))}'`;
}
