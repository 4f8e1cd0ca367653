import { nearestFloat32 } from '@weir/sdk';
import { writeBits } from '../bit-cell.ts';
import { POINT, ZERO } from '../digits.ts';
import { writeFloat32, writeFloat64 } from '../float-cell.ts';
import { writeVector } from '../vector-cell.ts';
import type { TextRewrite } from './text-rewrite.ts';

/** Takes the zeros away that ZEROFILL and YEAR put before a number: `00042` → `42`, `0000` → `0`, `000.50` → `0.50`. */
export const zerosRewrite: TextRewrite = {
  place: 'slab',
  rewrite(data, start, length) {
    let first = start;
    while (first < start + length - 1 && data[first] === ZERO && data[first + 1] !== POINT) first++;
    data.copyWithin(start, first, start + length);
    return start + length - first;
  },
};

/** BIT(n), which a query returns as bytes, becomes zeros and ones. */
export function bitRewrite(bits: number): TextRewrite {
  return {
    place: 'spill',
    rewrite(data, start, _length, spill) {
      writeBits(spill, data, start, bits);
      return true;
    },
  };
}

function decimalText(data: Uint8Array, start: number, length: number): string {
  return Buffer.from(data.buffer, data.byteOffset + start, length).toString('latin1');
}

/** FLOAT, selected as a DOUBLE, since the server rounds its own text of a FLOAT to six digits. */
export const floatRewrite: TextRewrite = {
  place: 'spill',
  rewrite(data, start, length, spill) {
    writeFloat32(spill, nearestFloat32(decimalText(data, start, length)));
    return true;
  },
};

export const doubleRewrite: TextRewrite = {
  place: 'spill',
  rewrite(data, start, length, spill) {
    writeFloat64(spill, Number(decimalText(data, start, length)));
    return true;
  },
};

/** VECTOR, which a query returns as bytes. */
export const vectorRewrite: TextRewrite = {
  place: 'spill',
  rewrite(data, start, length, spill) {
    writeVector(spill, data, start, start + length);
    return true;
  },
};
