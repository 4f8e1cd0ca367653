import { describe, expect, test } from 'vitest';
import { parseMysqlGtid } from './gtid.ts';
import { encodeGtidSet } from './gtid-set-encoding.ts';
import { MysqlGtidSet } from './mysql-gtid-set.ts';
import { hex } from './testing/tables.ts';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const other = '4e11fa47-71ca-11e1-9e33-c80aa9429562';

describe('the text of a set', () => {
  test.each([
    ['', ''],
    [`${uuid}:1`, `${uuid}:1`],
    [`${uuid}:1-3:5:7-9`, `${uuid}:1-3:5:7-9`],
    [`${uuid}:7-9:1-3:4`, `${uuid}:1-4:7-9`],
    [` ${uuid.toUpperCase()} : 1 - 3 ,\n${uuid}:2-8 , `, `${uuid}:1-8`],
    [`${other}:2,${uuid}:1`, `${uuid}:1,${other}:2`],
    [`${uuid}:tag:1-3:5:other:7`, `${uuid}:other:7:tag:1-3:5`],
    [`${uuid}:1:tag:2,${uuid}:tag:3`, `${uuid}:1:tag:2-3`],
    ['3E11FA4771CA11E19E33C80AA9429562:23', `${uuid}:23`],
    [`${uuid}:1-9223372036854775806`, `${uuid}:1-9223372036854775806`],
  ])('%j is %j', (text, formatted) => {
    expect(MysqlGtidSet.parse(text).toString()).toBe(formatted);
  });

  test.each([
    uuid,
    `${uuid}:`,
    `${uuid}:0`,
    `${uuid}:-1`,
    `${uuid}:3-2`,
    `${uuid}:1-2-3`,
    `${uuid}:tag`,
    `${uuid}:tag:other:1`,
    `${uuid}:1:tag`,
    `${uuid}:9223372036854775807`,
    `${uuid}:9tag:1`,
    `${uuid}:${'t'.repeat(33)}:1`,
    `${uuid.slice(1)}:1`,
    '1-2-3',
  ])('%j is none', (text) => {
    expect(() => MysqlGtidSet.parse(text)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_GTID' }));
  });

  test.each([uuid, `${uuid}:tag:`, `${uuid}:9tag:1`, `${uuid}:a:b:1`, ''])('%j is no GTID', (text) => {
    expect(() => parseMysqlGtid(text)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_GTID' }));
  });
});

describe('the bytes of a set', () => {
  test('are a count, then of each uuid the intervals, whose ends are not in them', () => {
    expect(encodeGtidSet(MysqlGtidSet.parse(`${uuid}:1-3:5`))).toEqual(
      Buffer.from(
        hex(`01 00 00 00 00 00 00 00
          3e 11 fa 47 71 ca 11 e1 9e 33 c8 0a a9 42 95 62
          02 00 00 00 00 00 00 00
          01 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00
          05 00 00 00 00 00 00 00 06 00 00 00 00 00 00 00`),
      ),
    );
  });

  test('with a tag have their form in the count and each tag behind its uuid', () => {
    expect(encodeGtidSet(MysqlGtidSet.parse(`${uuid}:5:ab:1`))).toEqual(
      Buffer.from(
        hex(`01 02 00 00 00 00 00 01
          3e 11 fa 47 71 ca 11 e1 9e 33 c8 0a a9 42 95 62 00
          01 00 00 00 00 00 00 00
          05 00 00 00 00 00 00 00 06 00 00 00 00 00 00 00
          3e 11 fa 47 71 ca 11 e1 9e 33 c8 0a a9 42 95 62 04 61 62
          01 00 00 00 00 00 00 00
          01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00`),
      ),
    );
  });
});
