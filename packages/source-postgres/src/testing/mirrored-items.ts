import { foldItems, type Item, type SeenBatch } from '@weir/testkit';

/** The table `items` as a mirror has it after these batches: one that is created starts empty, a range holds what it says. */
export function mirroredItems(batches: readonly SeenBatch[]): Map<number, Item> {
  const items = new Map<number, Item>();
  for (const { schemaChanges, chunk, rows } of batches) {
    if (schemaChanges.some(({ change, table }) => change === 'create' && table.name === 'items')) items.clear();
    const range = chunk?.table.endsWith('.items') === true ? chunk.range : null;
    if (range !== null) for (const id of items.keys()) if (holds(range, id)) items.delete(id);
    foldItems(rows, items);
  }
  return items;
}

function holds({ after, upTo }: NonNullable<NonNullable<SeenBatch['chunk']>['range']>, id: number): boolean {
  if (after !== null && after[0] === upTo?.[0]) return id === Number(upTo?.[0]);
  return (after === null || id > Number(after[0])) && (upTo === null || id <= Number(upTo[0]));
}
