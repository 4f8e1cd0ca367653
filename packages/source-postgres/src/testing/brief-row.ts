import { Op, unchanged } from '@weir/sdk';
import type { SeenRow } from '@weir/testkit';

/** A row on one line: `update orders 1,b was 1,-`, where `-` is an unchanged cell; `public.` is left out. */
export function briefly({ op, table, after, before }: SeenRow): string {
  const name = Object.entries(Op).find(([, code]) => code === op)![0];
  const image = (cells: SeenRow['after']): string =>
    cells?.map((cell) => (cell === unchanged ? '-' : String(cell))).join(',') ?? '';
  const old = before === null ? '' : ` was ${image(before)}`;
  return `${name} ${table.replace('public.', '')} ${image(after)}${old}`.trim();
}
