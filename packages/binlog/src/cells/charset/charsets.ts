import { Utf8Charset, type Charset } from './charset.ts';
import { DoubleByteCharset, doubleByteNames } from './double-byte.ts';
import { Gb18030Charset } from './gb18030.ts';
import { SingleByteCharset, singleByteNames } from './single-byte.ts';
import { Utf16Charset, Utf32Charset } from './unicode.ts';

const known = new Map<string, Charset>();

/** The character set of a name as the servers have it (`utf8` is `utf8mb3`), made once; null for `binary` and names that no server has. */
export function charsetByName(name: string): Charset | null {
  const made = known.get(name) ?? makeCharset(name);
  if (made !== null) known.set(name, made);
  return made;
}

function makeCharset(name: string): Charset | null {
  if (name === 'utf8mb4' || name === 'utf8mb3' || name === 'utf8') return new Utf8Charset(name);
  if (name === 'ucs2' || name === 'utf16' || name === 'utf16le') return new Utf16Charset(name);
  if (name === 'utf32') return new Utf32Charset();
  if (name === 'gb18030') return new Gb18030Charset();
  if (singleByteNames.includes(name)) return new SingleByteCharset(name);
  return doubleByteNames.includes(name) ? new DoubleByteCharset(name) : null;
}
