import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnValue } from '../testing/column-values.ts';
import { cellsOf, decoded } from '../testing/decoded.ts';
import { rewritten } from '../testing/rewritten.ts';
import type { ZeroDates } from './calendar.ts';
import { textCells } from './text/text-cells.ts';

describe('a value is the same cell by log and by query (invariant 9)', () => {
  it.each<ZeroDates>(['null', 'error', 'text'])('with zero dates as %s', (zeroDates) => {
    fc.assert(
      fc.property(columnValue, ({ column, sourceType, logged, queried }) => {
        const log = cellsOf(column, { sourceType, zeroDates });
        const query = textCells('column "c"', sourceType, zeroDates)!;
        expect(query.type).toEqual(log.type);
        expect(query.mayBecomeNull).toBe(log.mayBecomeNull);
        expect(outcome(() => rewritten(query.rewrite, queried))).toBe(outcome(() => decoded(log.decoder, logged)));
      }),
      { seed: testSeed, numRuns: 5000 },
    );
  });
});

/** The cell as text of its bytes, `null`, or the error. */
function outcome(cell: () => Buffer | null): string {
  try {
    return cell()?.toString('latin1') ?? 'null';
  } catch (error) {
    return String(error);
  }
}
