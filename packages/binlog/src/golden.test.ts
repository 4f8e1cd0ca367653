import { BatchWriter } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { BinlogDecoder } from './decoder.ts';
import { readRows } from './testing/read-rows.ts';
import { RecordingHost } from './testing/recording-host.ts';
import { column, hex, intText } from './testing/tables.ts';

// Events written byte by byte from the vendors' pages, so that the encoder of the other tests and the decoder cannot be wrong
// alike. None has a checksum, as the format says.

/** Timestamp, type, server 1, size, position, flags; then the body. */
function event(type: string, body: string, { position = '00000000', seconds = '80436d38', flags = '0000' } = {}): Uint8Array {
  const bytes = hex(body);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(19 + bytes.length);
  return hex(`${seconds} ${type} 01000000 ${size.toString('hex')} ${position} ${flags} ${body}`);
}

const text = (ascii: string): string => Buffer.from(ascii, 'latin1').toString('hex');
const version = (name: string): string => text(name).padEnd(100, '0');

/** Version 4, 41 types, of which those of rows, tables, queries and rotations have their bytes; no checksum. */
const mysqlFormat = event(
  '0f',
  `0400 ${version('8.0.36')} 00000000 13
   000d0008000000000404040400000062000400 1a08000000080808 020000000a0a0a2a2a00123400 0a28 00
   00 00000000`,
);
const rotate = event('04', `0400000000000000 ${text('binlog.000042')}`, { seconds: '00000000', flags: '2000' });
const uuid = '3e11fa4771ca11e19e33c80aa9429562';

/** 1999-12-31T23:59:44Z, so that the seconds are `80436d38`. */
const SECONDS = 0x386d4380;

class Reading {
  readonly host: RecordingHost = new RecordingHost();
  readonly writer = new BatchWriter();
  readonly decoder = new BinlogDecoder(this.host);

  read(...events: readonly Uint8Array[]): this {
    for (const each of events) {
      const start = this.writer.append(each);
      this.decoder.decode(this.writer, start, this.writer.used);
    }
    return this;
  }
}

describe('MySQL', () => {
  test('format and place', () => {
    const { host } = new Reading().read(rotate, mysqlFormat);
    expect(host.rotations).toEqual([{ file: 'binlog.000042', offset: 4 }]);
    expect(host.formats).toEqual([{ flavour: 'mysql', serverVersion: '8.0.36', checksums: false, created: 0, begun: 946_684_800 }]);
  });

  test('a transaction of two rows', () => {
    const { host, writer } = new Reading().read(
      rotate,
      mysqlFormat,
      // Flags, uuid, number 7, logical clock; 2^50 microseconds, the original time behind it; length 268; versions.
      event('21', `01 ${uuid} 0700000000000000 02 0100000000000000 0200000000000000 00000000000084 01000000000004 fc0c01 b4380100`, {
        position: '00010000',
      }),
      event('02', `08000000 00000000 04 0000 0900 04 2100 2100 ff00 0999 ${text('shop')} 00 ${text('BEGIN')}`, { position: '50010000' }),
      // Table 92, 2 columns, INT NOT NULL and VARCHAR(20) in utf8mb4; unsigned; collation 255.
      event('13', `5c0000000000 0100 04 ${text('shop')} 00 04 ${text('item')} 00 02 030f 02 5000 02 0101 80 0203 fcff00`, { position: '90010000' }),
      event('1e', `5c0000000000 0100 0200 02 ff fc 05000000 03 ${text('pen')} fe 06000000`, { position: 'c0010000' }),
      event('10', '2a00000000000000', { position: 'e0010000' }),
    );
    const gtid = { uuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562', tag: '', number: 7n };
    expect(host.begins).toEqual([
      { gtid, start: { file: 'binlog.000042', offset: 0x100 - 82 }, time: 2 ** 50, originalTime: 2 ** 50 + 1, xid: null },
    ]);
    expect(host.maps).toEqual([
      {
        tableId: 92,
        database: 'shop',
        name: 'item',
        columns: [column(3, 0, { nullable: false, unsigned: true }), column(15, 80, { collation: 255 })],
        primaryKey: null,
        invisible: null,
      },
    ]);
    expect(host.ends).toEqual([{ kind: 'commit', gtid, end: { file: 'binlog.000042', offset: 0x1e0 }, rows: 2, time: 2 ** 50 }]);
    expect(readRows(writer.close(null)).map(({ after }) => after)).toEqual([
      [intText(5), 'pen'],
      [intText(6), null],
    ]);
  });

  test('a tagged GTID', () => {
    // Version 1, 41 bytes, the last field that must be known is 9; then the fields, each number doubled or more.
    const fields = [
      '00 00', // flags 0
      `02 ${[...hex(uuid)].map((byte) => (byte < 128 ? (byte << 1).toString(16).padStart(2, '0') : twoBytes(byte))).join('')}`,
      '04 14', // number 5, signed
      `06 04 ${text('ab')}`,
      '08 00', // last committed 0
      '0a 04', // sequence number 1, signed
      '0c fbff07', // 65535, three bytes
      '10 8d 04', // length 291, two bytes
      '12 03c209', // version 79936, three bytes
    ].join('');
    const length = hex(fields).length + 3;
    const message = `02 ${(length << 1).toString(16)} 12 ${fields}`;
    const { host } = new Reading().read(rotate, mysqlFormat, event('2a', message), event('02', `${'00'.repeat(13)} 00 ${text('BEGIN')}`));
    expect(host.begins).toMatchObject([
      { gtid: { uuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562', tag: 'ab', number: 5n }, time: 65_535, originalTime: 65_535 },
    ]);
  });

  test('metadata of all kinds of columns', () => {
    // TINY, ENUM, SET, GEOMETRY, VECTOR, a typed array of INT, DECIMAL(10,2), CHAR(20), YEAR, BLOB
    const types = '01 fe fe ff f2 14 f6 fe 0d fc';
    const meta = 'f701 f801 04 04 03 0a02 fe50 02';
    const bits = 'fe03';
    const metadata = [
      '01 01 60', // the second and the third of TINY, DECIMAL, YEAR are unsigned
      '02 05 21 01 fc ff00', // CHAR in collation 33, the second character column in 255
      `04 14 ${['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name) => `01${text(name)}`).join('')}`,
      `05 05 02 01 ${text('p')} 01 ${text('q')}`,
      `06 03 01 01 ${text('r')}`,
      '07 01 06', // a polygon is 3, a multipolygon 6
      '09 04 00 00 07 0a', // TINY whole, ten characters of CHAR
      '0a 03 08 01 2d', // ENUM in collation 8, SET in 45
      '0c 02 ffc0',
      '0d 03 fc 0008', // 2,048 dimensions
      '7f 01 00',
    ].join('');
    const body = `5c0000000000 0100 01 ${text('d')} 00 01 ${text('t')} 00 0a ${types} 0c ${meta} ${bits} ${metadata}`;
    const { host } = new Reading().read(rotate, mysqlFormat, event('02', `${'00'.repeat(13)} 00 ${text('BEGIN')}`), event('13', body));
    expect(host.maps).toMatchObject([
      {
        columns: [
          column(1, 0, { name: 'a', nullable: false }),
          column(254, 0x01f7, { name: 'b', collation: 8, values: [Uint8Array.of(0x72)] }),
          column(254, 0x01f8, { name: 'c', collation: 45, values: [Uint8Array.of(0x70), Uint8Array.of(0x71)] }),
          column(255, 4, { name: 'd', detail: 6 }),
          column(242, 4, { name: 'e', detail: 2048 }),
          column(20, 3, { name: 'f' }),
          column(246, 0x020a, { name: 'g', unsigned: true }),
          column(254, 0x50fe, { name: 'h', collation: 33 }),
          column(13, 0, { name: 'i', unsigned: true }),
          column(252, 2, { name: 'j', collation: 255 }),
        ],
        primaryKey: [{ column: 0, prefix: 0 }, { column: 7, prefix: 10 }],
        invisible: Array.from({ length: 10 }, () => false),
      },
    ]);
  });
});

/** A byte of 128 and more takes two: 01 at the end of the first, and its high bits in the second. */
function twoBytes(byte: number): string {
  const wide = (byte << 2) | 1;
  return Buffer.of(wide & 0xff, wide >> 8).toString('hex');
}

describe('MariaDB', () => {
  const mariadbFormat = event(
    '0f',
    `0400 ${version('10.11.6-MariaDB')} 00000000 13 ${'00'.repeat(18)} 08 ${'00'.repeat(3)} 080808 ${'00'.repeat(146)} 00 00000000`,
  );

  test('a transaction by its GTID', () => {
    const { host, writer } = new Reading().read(
      rotate,
      mariadbFormat,
      // Sequence 99, domain 2, flags transactional; six bytes of nothing.
      event('a2', '6300000000000000 02000000 04 000000000000', { position: '00010000' }),
      event('a0', text('INSERT INTO t VALUES (1)')),
      event('13', `120000000000 0100 01 ${text('d')} 00 01 ${text('t')} 00 01 03 00 00`),
      event('17', `120000000000 0100 01 ff fe 01000000 ff`),
      event('10', '0500000000000000', { position: '50010000' }),
    );
    const gtid = { domain: 2, server: 1, sequence: 99n };
    expect(host.begins).toMatchObject([{ gtid, time: SECONDS * 1e6 }]);
    expect(host.ends).toMatchObject([{ kind: 'commit', gtid, rows: 2, end: { offset: 0x150 } }]);
    expect(readRows(writer.close(null)).map(({ after }) => after)).toEqual([[intText(1)], [null]]);
  });
});
