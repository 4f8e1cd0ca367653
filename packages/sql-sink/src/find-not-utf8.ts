import { isUtf8 } from 'node:buffer';
import { NO_IMAGE } from '@weir/sdk';
import type { Layout } from './layout.ts';
import type { Cells } from './row-loader.ts';

/** The first column of some images whose cell is not UTF-8; null when there is none. For errors: it looks at every cell. */
export function findNotUtf8(layout: Layout, { data, start, length }: Cells, images: Iterable<number>): string | null {
  const { columns, table } = layout;
  for (const image of images) {
    if (image === NO_IMAGE) continue;
    for (const { index, name } of columns) {
      const bytes = length[image + index]!;
      if (bytes <= 0 || table.columns[index]!.type.kind === 'bytes') continue;
      if (!isUtf8(data.subarray(start[image + index], start[image + index]! + bytes))) return name;
    }
  }
  return null;
}
