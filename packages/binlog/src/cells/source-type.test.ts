import { describe, expect, it } from 'vitest';
import { parseSourceType } from './source-type.ts';

describe('a COLUMN_TYPE', () => {
  it.each([
    ['int', 'int', [], false, false],
    ['int(10) unsigned zerofill', 'int', [10], true, true],
    ['bigint unsigned', 'bigint', [], true, false],
    ['DECIMAL(10,2)', 'decimal', [10, 2], false, false],
    ['double(10,2) unsigned', 'double', [10, 2], true, false],
    ['datetime(6)', 'datetime', [6], false, false],
    ['timestamp /* mariadb-5.3 */', 'timestamp', [], false, false],
    ['varchar(10) /*M!100301 COMPRESSED*/', 'varchar', [10], false, false],
    ['longtext /*M!100301 COMPRESSED*/', 'longtext', [], false, false],
    ['inet6', 'inet6', [], false, false],
    ['', '', [], false, false],
  ])('%s', (text, name, numbers, unsigned, zerofill) => {
    expect(parseSourceType(text)).toEqual({ name, numbers, labels: [], unsigned, zerofill });
  });

  it('has the labels of an enum or a set', () => {
    const labels = (text: string): readonly string[] => parseSourceType(text).labels;
    expect(parseSourceType("enum('a','b')")).toMatchObject({ name: 'enum', numbers: [], unsigned: false });
    expect(labels("set('a','b c','','unsigned (5)')")).toEqual(['a', 'b c', '', 'unsigned (5)']);
    expect(labels(String.raw`enum('it''s','back\\slash','line\nend','\0',',')`)).toEqual(["it's", 'back\\slash', 'line\nend', '\0', ',']);
    expect(labels("enum('größe','日本')")).toEqual(['größe', '日本']);
  });
});
