import { createHash } from 'node:crypto';
import { Spill } from '@weir/sdk';
import { describe, expect, it } from 'vitest';
import { charsetByName } from './charsets.ts';
import { charsetOfCollation } from './collation.ts';
import { doubleByteNames } from './double-byte.ts';

function utf8(charset: string, bytes: readonly number[]): Buffer {
  const spill = new Spill();
  charsetByName(charset)!.write(Uint8Array.from(bytes), 0, bytes.length, spill);
  return Buffer.from(spill.data.subarray(0, spill.length));
}

/**
 * Digests of what MariaDB 10.11.19 converts to utf8mb4, and MySQL 9.7.4 where it converts it: each byte; in sets of more than one byte each pair whose first is 0x80 to
 * 0xff, in ujis and eucjpms each of those behind 0x8f.
 */
const seen: Readonly<Record<string, string>> = {
  ascii: '9a7e3259415eef15',
  latin1: 'cc916e51644a12e8',
  latin2: 'a5871b0f978b840b',
  latin5: '99a8e5b10c9d2f49',
  latin7: '4426f6d2f1b025cd',
  cp1250: '9cc761968c5d2781',
  cp1251: '0d28315865ad998b',
  cp1256: 'b8e59432781c5ac9',
  cp1257: '1f40d8f00f4af3a9',
  cp850: '4e721f6806dbbff2',
  cp852: 'a5798618e5ecfe1b',
  cp866: '09f6cf466cc129e5',
  koi8r: 'fb0243455e64ef70',
  koi8u: '1c3ccd793a4335f5',
  greek: '39e875f97b7e2a6b',
  hebrew: '313e415089352ed4',
  macroman: '54112bce885d7b1a',
  macce: 'a3e9390d6e0dd8ac',
  keybcs2: 'd43a8b257b0bfc57',
  hp8: 'd59635b01cbb17ce',
  dec8: '2031c2f2913194fb',
  swe7: '5c6aa8ecd2caaa04',
  armscii8: 'fbc628c566079836',
  geostd8: '7b60fecf116b793a',
  tis620: '49af1f7364397570',
  sjis: 'b289969969626169',
  cp932: '19f2c486fb94e7cd',
  ujis: '4d7e9757f3383e8f',
  eucjpms: '1c8277806cf98b1a',
  euckr: '06770b7263268c1a',
  gb2312: 'b4d2763f3c51f5c5',
  gbk: '9ab89cdf9f5d2feb',
  big5: 'bc524ee0211bf1c8',
};

describe('every sequence of bytes is what the server makes of it', () => {
  it.each(Object.entries(seen))('in %s', (name, digest) => {
    const hash = createHash('sha256');
    for (let byte = 0; byte < 256; byte++) hash.update(utf8(name, [byte]));
    if (doubleByteNames.includes(name)) {
      for (let pair = 0x8000; pair < 0x1_0000; pair++) hash.update(utf8(name, [pair >> 8, pair & 0xff]));
    }
    if (name === 'ujis' || name === 'eucjpms') {
      for (let pair = 0x8000; pair < 0x1_0000; pair++) hash.update(utf8(name, [0x8f, pair >> 8, pair & 0xff]));
    }
    expect(hash.digest('hex').slice(0, 16)).toBe(digest);
  });
});

describe('where the servers differ from what a browser reads', () => {
  it.each([
    ['latin1', [0x80, 0x81, 0xe9], '€\u0081é'],
    ['swe7', [0x40, 0x5b, 0x7f, 0x41], 'ÉÄ?A'],
    ['koi8u', [0x95], '•'],
    ['cp1251', [0x98, 0xc6], '?Ж'],
    ['sjis', [0x5c, 0x81, 0x5f, 0xb1, 0x81, 0x60], '\\\\ｱ〜'],
    ['cp932', [0x81, 0x5f, 0x87, 0x40, 0x81, 0x60], '＼①～'],
    ['ujis', [0xa1, 0xc0, 0x8e, 0xb1, 0x8f, 0xb0, 0xa1], '\\ｱ丂'],
    ['big5', [0xc6, 0xa6, 0xa4, 0x40], 'あ一'],
    ['euckr', [0x81, 0x41, 0xb0, 0xa1], '갂가'],
    ['gbk', [0xa1, 0xa4, 0x80], '·?'],
    ['gb2312', [0xa1, 0xa4, 0xb0, 0xa1], '・啊'],
  ])('%s', (name, bytes, text) => expect(utf8(name, bytes).toString()).toBe(text));
});

describe('Unicode', () => {
  it.each([
    ['ucs2', [0x00, 0x41, 0x20, 0xac], 'A€'],
    ['ucs2', [0xd8, 0x3d, 0xde, 0x00], '??'],
    ['utf16', [0x00, 0x41, 0xd8, 0x3d, 0xde, 0x00], 'A😀'],
    ['utf16', [0xde, 0x00, 0x00, 0x41, 0xd8, 0x3d], '?A?'],
    ['utf16le', [0x41, 0x00, 0x3d, 0xd8, 0x00, 0xde], 'A😀'],
    ['utf32', [0, 0, 0, 0x41, 0, 1, 0xf6, 0, 0, 0x11, 0, 0], 'A😀?'],
    ['utf8mb4', [0xf0, 0x9f, 0x98, 0x80], '😀'],
    ['utf8', [0xc3, 0xa9], 'é'],
    ['gb18030', [0x41, 0xb0, 0xa1, 0x81, 0x30, 0x81, 0x30, 0x94, 0x39, 0xfc, 0x36, 0xff], 'A啊\u0080😀?'],
    ['gb18030', [0xa8, 0xbc, 0xa3, 0xa0, 0xfe, 0x59, 0x84, 0x31, 0xa4, 0x37], '\u1e3f\ue5e5\ue81e\ufffd'],
    ['gb18030', [0x80, 0x84, 0x31, 0xa5, 0x30, 0xe3, 0x32, 0x9a, 0x35, 0xe3, 0x32, 0x9a, 0x36, 0x81, 0x30], '??\u{10ffff}??0'],
  ])('%s', (name, bytes, text) => expect(utf8(name, bytes).toString()).toBe(text));
});

describe('the character set of a collation', () => {
  it.each([
    [8, 'latin1'],
    [33, 'utf8mb3'],
    [45, 'utf8mb4'],
    [63, 'binary'],
    [76, 'utf8mb3'],
    [101, 'utf16'],
    [133, 'ucs2'],
    [183, 'utf32'],
    [223, 'utf8mb3'],
    [249, 'gb18030'],
    [255, 'utf8mb4'],
    [309, 'utf8mb4'],
    [323, 'utf8mb4'],
    // MariaDB: second page, without padding, UCA 14.0.0.
    [576, 'utf8mb3'],
    [704, 'utf16le'],
    [1032, 'latin1'],
    [1069, 'utf8mb4'],
    [1600, 'utf8mb3'],
    [2048, 'utf8mb3'],
    [2304, 'utf8mb4'],
    [2561, 'ucs2'],
    [2816, 'utf16'],
    [3072, 'utf32'],
  ])('%s is %s', (id, name) => expect(charsetOfCollation(id)).toBe(name));

  it('of an id that no server has is not known', () => {
    for (const id of [0, 17, 100, 127, 324, 575, 800, 3328, 4096, 65_535]) expect(charsetOfCollation(id)).toBeNull();
    expect(charsetByName('cp437')).toBeNull();
    expect(charsetByName('binary')).toBeNull();
  });
});
