import { parseSourceType, textCells } from '@weir/binlog';
import type { ColumnState } from '../checkpoint-state.ts';
import type { AddedValue } from './alteration.ts';

/** The canonical cell that rows of before have in a column that is added; undefined where nobody can say without reading them. */
export function addedCell(value: AddedValue, column: ColumnState): string | null | undefined {
  switch (value.as) {
    case 'null':
      return column.nullable ? null : implicitCell(column);
    case 'implicit':
      return implicitCell(column);
    case 'literal':
      return literalCell(value.text, column);
    case 'unknown':
      return undefined;
  }
}

function implicitCell(column: ColumnState): string | undefined {
  const { name } = parseSourceType(column.type);
  if (/^(?:var)?char$|text$/u.test(name)) return '';
  const type = textCells(column.name, column.type, 'null')?.type;
  if (type?.kind === 'int' || type?.kind === 'uint') return '0';
  return type?.kind === 'decimal' ? decimalCell('0', type.scale ?? 0) : undefined;
}

/** What is not sure to be kept as it is written (a time in a session's zone, a number that is rounded) is not said. */
function literalCell(text: string, column: ColumnState): string | undefined {
  const { name, labels } = parseSourceType(column.type);
  const type = textCells(column.name, column.type, 'null')?.type;
  switch (type?.kind) {
    case 'string':
      if (name === 'set') return undefined;
      return name === 'char' ? text.replace(/ +$/u, '') : text;
    case 'enum':
      return labels.includes(text) ? text : undefined;
    case 'int':
    case 'uint':
      return /^-?\d{1,20}$/u.test(text) && name !== 'year' ? String(BigInt(text)) : undefined;
    case 'decimal':
      return /^-?\d+(?:\.\d*)?$/u.test(text) ? decimalCell(text, type.scale ?? 0) : undefined;
    case 'date':
      return /^[1-9]\d{3}-\d\d-\d\d$/u.test(text) && isDay(text) ? text : undefined;
    case 'timestamp': {
      const [, day = '', time = ''] = /^([1-9]\d{3}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)$/u.exec(text) ?? [];
      return day !== '' && isDay(day) ? `${day}T${time}` : undefined;
    }
    default:
      return undefined;
  }
}

function decimalCell(text: string, scale: number): string | undefined {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d*))?$/u.exec(text) ?? [];
  if (fraction.length > scale) return undefined;
  const digits = whole.replace(/^0+(?=\d)/u, '') + (scale === 0 ? '' : `.${fraction.padEnd(scale, '0')}`);
  return /[1-9]/u.test(digits) ? sign + digits : digits;
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
}
