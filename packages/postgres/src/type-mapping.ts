import type { CellRewrite } from '@weir/pgoutput';
import type { LogicalType } from '@weir/sdk';

/** How a type's text becomes canonical cells; null where it is canonical as the server prints it. */
export interface TypeMapping {
  readonly type: LogicalType;
  readonly rewrite: CellRewrite | null;
}
