import type { CellRewrite } from '@weir/pgoutput';
import { Spill, WeirError } from '@weir/sdk';

/**
 * The canonical cell that rows from before a column was added show in it.
 *
 * @param text `pg_attribute.attmissingval`: an array of one element, as text
 * @param rewrite of the column
 */
export function missingCell(text: string, rewrite: CellRewrite | null): Uint8Array | null {
  const element = onlyElement(text);
  if (element === null) return null;
  const data = Buffer.from(element);
  if (rewrite === null) return data;
  if (rewrite.place === 'slab') return data.subarray(0, rewrite.rewrite(data, 0, data.length));
  const spill = new Spill();
  rewrite.rewrite(data, 0, data.length, spill);
  return spill.data.slice(0, spill.length);
}

/** The text of the one element of an array; null for NULL. Its type may have any delimiter, so none is looked for. */
function onlyElement(text: string): string | null {
  if (!text.startsWith('{') || !text.endsWith('}')) {
    throw new WeirError('WEIR_PG_QUERY', 'the server gave a default of an added column in a form that is not known');
  }
  const inner = text.slice(1, -1);
  if (!inner.startsWith('"')) return inner === 'NULL' ? null : inner;
  return inner.slice(1, -1).replace(/\\(.)/gsu, '$1');
}
