import type { Spill } from '@weir/sdk';

/**
 * How the server's text of a value, as a query returns it, becomes the canonical cell. Of the shape of the rewrites of other
 * sources, and more: a value may become NULL, where zero dates do.
 */
export type TextRewrite =
  | {
      readonly place: 'slab';
      /** Rewrites the `length` bytes from `start`, touching no others; returns the new length, at most `length`, or `NULL_CELL` of the SDK. */
      rewrite(data: Uint8Array, start: number, length: number): number;
    }
  | {
      readonly place: 'spill';
      /** Appends the cell to `spill` and leaves `data` as it is; returns false, with nothing appended, for NULL. */
      rewrite(data: Uint8Array, start: number, length: number, spill: Spill): boolean;
    };
