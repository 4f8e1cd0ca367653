/** Bytes from the first to the last, in pairs. */
type Ranges = readonly (readonly [number, number])[];

/** How a multi-byte set of the servers differs from the table of iconv-lite that is nearest to it. */
export interface DoubleByteSet {
  /** The name of that table. */
  readonly base: string;
  /** First and second bytes of a character of two. */
  readonly leads: Ranges;
  readonly trails: Ranges;
  /** Whether 0xa1 to 0xdf are halfwidth Katakana by themselves, or behind 0x8e. */
  readonly katakana?: 'single' | 'behind 8e';
  /** Whether a character of the private use area in the base's table is one of the set. */
  readonly privateUse: boolean;
  /** Characters of two bytes that the base has and the set has not. */
  readonly lacks: Ranges;
  /** First character of two bytes, and what it and those behind it are. */
  readonly own: Readonly<Record<number, string>>;
  /** The same of characters of three bytes, the first of them 0x8f. */
  readonly ownBehind8f?: Readonly<Record<number, string>>;
}

const upper: Ranges = [[0xa1, 0xfe]];

/** Ten rows of 94 characters of one's own, from the private use area. */
function privateRows(firstRow: number, firstCode: number): Record<number, string> {
  const rows: Record<number, string> = {};
  for (let row = 0; row < 10; row++) {
    const codes = Array.from({ length: 94 }, (_, cell) => firstCode + row * 94 + cell);
    rows[((firstRow + row) << 8) | 0xa1] = String.fromCharCode(...codes);
  }
  return rows;
}

const shiftJis = {
  base: 'shiftjis',
  leads: [[0x81, 0x9f], [0xe0, 0xfc]],
  trails: [[0x40, 0x7e], [0x80, 0xfc]],
  katakana: 'single',
} as const;

const eucJp = { base: 'eucjp', leads: upper, trails: upper, katakana: 'behind 8e', privateUse: false } as const;

/** Kana, Cyrillic letters and numbers in circles, which the table of code page 950 has not. */
const BIG5_C6A1 =
  'ヾゝゞ々ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽ' +
  'まみむめもゃやゅゆょよらりるれろゎわゐゑをんァアィイゥウェ';
const BIG5_C740 = 'エォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユ';
const BIG5_C7A1 =
  'ョヨラリルレロヮワヰヱヲンヴヵヶДЕЁЖЗИЙКЛМУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя①②③④⑤⑥⑦⑧⑨⑩⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽';

/** Numbers, signs and Kanji that IBM added; some stand for others that look the same. */
const EUCJPMS_F4A1 =
  'ⅢⅣⅤⅥⅦⅧⅨⅩ＇＂㈱№℡炻仼僴凬匇匤\ufa0e咊坙\ufa0f\ufa10增寬峵嵓\ufa11德悅愠敎昻晥\ufa12\uf929栁\ufa13\ufa14橫櫢淸淲瀨\ufa15\ufa16甁皂皞' +
  '\ufa17礰\ufa18\ufa19\ufa1a\ufa1b竧\ufa1c\ufa1d綠緖\ufa1e荢\ufa1f薰\ufa20\ufa21蠇\ufa22譿賴赶\ufa23\ufa24\ufa25郞\ufa26鄕\ufa27\ufa28閒\uf9dc\ufa29霻靍靑\ufa2a\ufa2b\ufa2c馞髙魲\ufa2d黑';

/** As MariaDB 10.11 and MySQL 9.7 convert every sequence of two and three bytes. */
export const doubleByteSets: Readonly<Record<string, DoubleByteSet>> = {
  sjis: {
    ...shiftJis,
    privateUse: false,
    lacks: [[0x8740, 0x879c], [0xed40, 0xeefc], [0xfa40, 0xfc4b]],
    own: { 0x815f: '\\〜‖', 0x817c: '−', 0x8191: '¢£', 0x81ca: '¬' },
  },
  cp932: {
    ...shiftJis,
    privateUse: true,
    lacks: [],
    own: {
      0xf941: String.fromCharCode(...Array.from({ length: 62 }, (_, i) => 0xe69d + i)),
      0xf980: String.fromCharCode(...Array.from({ length: 125 }, (_, i) => 0xe6db + i)),
    },
  },
  ujis: {
    ...eucJp,
    lacks: [[0xada1, 0xadfc]],
    own: { 0xa1c0: '\\〜‖', 0xa1dd: '−', 0xa1f1: '¢£', 0xa2cc: '¬', ...privateRows(0xf5, 0xe000) },
    ownBehind8f: { 0xa2b7: '~', ...privateRows(0xf5, 0xe3ac) },
  },
  eucjpms: {
    ...eucJp,
    lacks: [],
    own: privateRows(0xf5, 0xe000),
    ownBehind8f: { 0xa2c3: '￤', 0xf3f3: 'ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅠⅡ', 0xf4a1: EUCJPMS_F4A1, ...privateRows(0xf5, 0xe3ac) },
  },
  euckr: { base: 'cp949', leads: [[0x81, 0xfe]], trails: [[0x41, 0x5a], [0x61, 0x7a], [0x81, 0xfe]], privateUse: false, lacks: [], own: {} },
  gb2312: {
    base: 'gbk',
    leads: [[0xa1, 0xf7]],
    trails: upper,
    privateUse: false,
    lacks: [[0xa2a1, 0xa2aa], [0xa2e3, 0xa2e3], [0xa6e0, 0xa6f5], [0xa8bb, 0xa8c0]],
    own: { 0xa1a4: '・', 0xa1aa: '―' },
  },
  gbk: {
    base: 'gbk',
    leads: [[0x81, 0xfe]],
    trails: [[0x40, 0x7e], [0x80, 0xfe]],
    privateUse: false,
    lacks: [[0xa2e3, 0xa2e3], [0xa3a0, 0xa3a0], [0xa8bc, 0xa8bc], [0xa8bf, 0xa8bf], [0xa989, 0xa995], [0xfe50, 0xfe9f]],
    own: {},
  },
  /** Its characters of two bytes. */
  gb18030: {
    base: 'gb18030',
    leads: [[0x81, 0xfe]],
    trails: [[0x40, 0x7e], [0x80, 0xfe]],
    privateUse: true,
    lacks: [],
    own: { 0xa3a0: '\ue5e5' },
  },
  big5: {
    base: 'cp950',
    leads: [[0xa1, 0xf9]],
    trails: [[0x40, 0x7e], [0xa1, 0xfe]],
    privateUse: false,
    lacks: [[0xa3e1, 0xa3e1], [0xf9dd, 0xf9fe]],
    own: {
      0xa145: '•',
      0xa14e: '､',
      0xa15a: '\ufffd',
      0xa1c2: '‾\ufffd',
      0xa1c5: '\ufffd',
      0xa1e3: '∼',
      0xa1f2: '♁☉',
      0xa1fe: '\ufffd',
      0xa240: '\ufffd／＼',
      0xa244: '¥',
      0xa246: '¢£',
      0xa2cc: '\ufffd',
      0xa2ce: '\ufffd',
      0xc6a1: BIG5_C6A1,
      0xc740: BIG5_C740,
      0xc7a1: BIG5_C7A1,
    },
  },
};
