import { decimalTextSql } from './shape-edit.ts';
import { holdsDigits, type ColumnType, type Storage } from './types.ts';

/**
 * How values of one type become values of another with the same canonical cells, as an SQL expression of the old one; null
 * when DuckDB's cast would give others, or refuse some.
 */
export function convertSql(from: ColumnType, to: ColumnType): ((value: string) => string) | null {
  if (from.sql === to.sql) return (value) => value;
  const cast = (value: string): string => `CAST(${value} AS ${to.sql})`;
  if (to.storage.kind === 'text') {
    if (holdsDigits(from)) return decimalTextSql;
    return from.storage.kind === 'text' || from.storage.kind === 'uuid' ? cast : null;
  }
  if (!holdsDigits(from)) return null;
  if (to.storage.kind === 'float') return to.storage.bits === 64 ? cast : null;
  return holdsDigits(to) && holdsAll(from.storage, to.storage) ? cast : null;
}

function holdsAll(from: Storage, to: Storage): boolean {
  if (isInteger(from) && isInteger(to)) {
    if (from.kind === to.kind) return from.bits <= to.bits;
    return from.kind === 'uint' && from.bits < to.bits;
  }
  if (from.kind === 'decimal' && to.kind === 'int') return from.scale === 0 && from.digits < wholeDigits(to);
  if (to.kind !== 'decimal') return false;
  const scale = from.kind === 'decimal' ? from.scale : 0;
  return scale <= to.scale && wholeDigits(from) <= to.digits - to.scale;
}

/** The most digits that a value has before its point. */
function wholeDigits(storage: Storage): number {
  if (storage.kind === 'decimal') return storage.digits - storage.scale;
  if (!isInteger(storage)) return Number.POSITIVE_INFINITY;
  return String(2n ** BigInt(storage.kind === 'int' ? storage.bits - 1 : storage.bits)).length;
}

function isInteger(storage: Storage): storage is Storage & { kind: 'int' | 'uint' } {
  return storage.kind === 'int' || storage.kind === 'uint';
}
