import { describe, expect, it } from 'vitest';
import { rewritten } from '../../testing/rewritten.ts';
import { selected, textCells } from './text-cells.ts';

/** The cell of a query's text, null for NULL. */
function cell(sourceType: string, text: string | Buffer, zeroDates: 'null' | 'error' | 'text' = 'null'): string | null {
  return rewritten(textCells('column "c"', sourceType, zeroDates)!.rewrite, Buffer.from(text))?.toString() ?? null;
}

describe('a query’s text', () => {
  it.each([
    ['int', '-5', '-5'],
    ['int(5) unsigned zerofill', '00042', '42'],
    ['int(5) unsigned zerofill', '00000', '0'],
    ['decimal(8,2) unsigned zerofill', '000000.50', '0.50'],
    ['decimal(8,2)', '-0.50', '-0.50'],
    ['year(4)', '0000', '0'],
    ['year', '2024', '2024'],
    ['year(2)', '05', '5'],
    ['bit(10)', Buffer.from([2, 1]), '1000000001'],
    ['double', '1e15', '1e+15'],
    ['double', '0.00001', '1e-05'],
    ['double', '-0', '-0'],
    ['float', '0.10000000149011612', '0.1'],
    ['float', '1.401298464324817e-45', '1e-45'],
    ['date', '2024-02-29', '2024-02-29'],
    ['datetime(6)', '2024-02-29 12:34:56.120000', '2024-02-29T12:34:56.12'],
    ['datetime(6)', '2024-02-29 12:34:56.000000', '2024-02-29T12:34:56'],
    ['datetime', '2024-02-29 12:34:50', '2024-02-29T12:34:50'],
    ['timestamp', '2024-02-29 12:34:50', '2024-02-29T12:34:50Z'],
    ['timestamp(3)', '2024-02-29 12:34:50.500', '2024-02-29T12:34:50.5Z'],
    ['time', '00:00:00', 'PT0S'],
    ['time(1)', '-838:59:58.5', 'PT-838H-59M-58.5S'],
    ['vector(2)', Buffer.from('0000803f000020c0', 'hex'), '[1,-2.5]'],
    ['varchar(9)', ' as it is ', ' as it is '],
    ['json', '{"a": 1}', '{"a": 1}'],
  ])('of %s, %s, is %s', (sourceType, text, expected) => expect(cell(sourceType, text)).toBe(expected));

  it.each(['date', 'datetime', 'timestamp'])('of %s that is no day of the calendar is NULL, an error or itself', (name) => {
    const text = name === 'date' ? '0000-00-00' : '0000-00-00 00:00:00';
    expect(cell(name, text)).toBeNull();
    expect(() => cell(name, text, 'error')).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_ZERO_DATE' }));
    expect(cell(name, text, 'text')).toBe(text);
    expect(textCells('c', name, 'text')).toEqual({ type: { kind: 'string' }, rewrite: null, mayBecomeNull: false });
  });

  it('of a type that is not known is not read', () => {
    expect(textCells('c', 'xmltype', 'null')).toBeNull();
    expect(textCells('c', 'constructor', 'null')).toBeNull();
  });
});

describe('a query', () => {
  it('selects a number whose text the server would round as a DOUBLE of all digits', () => {
    expect(selected('`a`', 'float')).toBe('`a` - 0e0');
    expect(selected('`a`', 'float(10,2) unsigned')).toBe('`a` - 0e0');
    expect(selected('`a`', 'double(10,2)')).toBe('`a` - 0e0');
    expect(selected('`a`', 'double')).toBe('`a`');
    expect(selected('`a`', 'decimal(10,2)')).toBe('`a`');
  });
});
