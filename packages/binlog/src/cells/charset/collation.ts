/**
 * The character set of each collation id: those of MySQL up to 9.x and of MariaDB up to 12.x. From the id's ranges, since the
 * servers gave them out in blocks; single ones before 2004 in any order. (information_schema.COLLATIONS of both.)
 */
const single: Readonly<Record<string, readonly number[]>> = {
  big5: [1, 84],
  latin2: [2, 9, 21, 27, 77],
  dec8: [3, 69],
  cp850: [4, 80],
  latin1: [5, 8, 15, 31, 47, 48, 49, 94],
  hp8: [6, 72],
  koi8r: [7, 74],
  swe7: [10, 82],
  ascii: [11, 65],
  ujis: [12, 91],
  sjis: [13, 88],
  cp1251: [14, 23, 50, 51, 52],
  hebrew: [16, 71],
  tis620: [18, 89],
  euckr: [19, 85],
  latin7: [20, 41, 42, 79],
  koi8u: [22, 75],
  gb2312: [24, 86],
  greek: [25, 70],
  cp1250: [26, 34, 44, 66, 99],
  gbk: [28, 87],
  cp1257: [29, 58, 59],
  latin5: [30, 78],
  armscii8: [32, 64],
  utf8mb3: [33, 76, 83, 223],
  ucs2: [35, 90, 159],
  cp866: [36, 68],
  keybcs2: [37, 73],
  macce: [38, 43],
  macroman: [39, 53],
  cp852: [40, 81],
  utf8mb4: [45, 46, 255],
  utf16: [54, 55],
  utf16le: [56, 62],
  cp1256: [57, 67],
  utf32: [60, 61],
  binary: [63],
  geostd8: [92, 93],
  cp932: [95, 96],
  eucjpms: [97, 98],
};

/** First id, last id, character set. */
const blocks: readonly (readonly [number, number, string])[] = [
  [101, 124, 'utf16'],
  [128, 151, 'ucs2'],
  [160, 183, 'utf32'],
  [192, 215, 'utf8mb3'],
  [224, 247, 'utf8mb4'],
  [248, 250, 'gb18030'],
  [256, 323, 'utf8mb4'],
  // MariaDB's second page.
  [576, 607, 'utf8mb3'],
  [608, 639, 'utf8mb4'],
  [640, 671, 'ucs2'],
  [672, 703, 'utf16'],
  [704, 735, 'utf16le'],
  [736, 767, 'utf32'],
];

/** MariaDB: the same collation without padding has an id that is higher by this. */
const NOPAD = 1024;
/** MariaDB's collations of UCA 14.0.0: from here on, bits 8 to 10 are the character set. */
const UCA1400 = 2048;
const UCA1400_END = 4096;
const uca1400 = ['utf8mb3', 'utf8mb4', 'ucs2', 'utf16', 'utf32'];

const byId = new Map<number, string>(
  Object.entries(single).flatMap(([name, ids]) => ids.map((id): [number, string] => [id, name])),
);

/** The name of a collation's character set, `binary` for 63; null for an id that no server has. */
export function charsetOfCollation(id: number): string | null {
  if (id >= UCA1400 && id < UCA1400_END) return uca1400[(id >> 8) & 7] ?? null;
  if (id >= NOPAD && id < UCA1400) return charsetOfCollation(id - NOPAD);
  return byId.get(id) ?? blocks.find(([first, last]) => id >= first && id <= last)?.[2] ?? null;
}
