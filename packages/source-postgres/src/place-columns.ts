/** What may be announced without a way to tell which column it is; more possibilities than these are not tried. */
const MOST_UNSURE = 12;

/** What is known of a table's columns around the moment when the stream announced it. */
export interface KnownColumns {
  /** `attnum`s that the stream had before. */
  readonly old: readonly number[];
  /** Those that the catalog has now, which may be later than the stream. */
  readonly now: readonly number[];
  /** Those of the catalog that are not captured, and never were. */
  readonly never: readonly number[];
  /** The highest that was ever given. */
  readonly highest: number;
  /** Those that the catalog had at a moment that is surely not later than the stream; null when there is none. */
  readonly earlier: { readonly has: readonly number[]; readonly highest: number } | null;
}

/**
 * Which columns a relation of the stream announces, by `attnum`; null when that cannot be told for sure. An announcement has
 * names and types only, in the order of `attnum`, and the catalog may have gone on since. But a column that was there before
 * and is there now was there in between; one that is gone may still be announced; and columns are added in order.
 *
 * @param count how many are announced
 * @param fits whether what is announced at an index can be that column
 */
export function placeColumns(
  known: KnownColumns,
  count: number,
  fits: (index: number, attnum: number) => boolean = () => true,
): number[] | null {
  const last = known.old.at(-1) ?? 0;
  // A column from before that was not captured before: a generated one that has become an ordinary one, for instance.
  if (known.now.some((attnum) => attnum <= last && !known.old.includes(attnum))) return null;
  const { certain, unsure } = sortOut(known, last);
  if (unsure.length > MOST_UNSURE) return null;
  let found: number[] | null = null;
  for (let choice = 0; choice < 1 << unsure.length; choice++) {
    const placed = [...certain, ...unsure.filter((_, i) => (choice & (1 << i)) !== 0)].toSorted((a, b) => a - b);
    if (placed.length !== count || !isInOrder(placed, known.now, last)) continue;
    if (!placed.every((attnum, index) => fits(index, attnum))) continue;
    if (found !== null) return null;
    found = placed;
  }
  return found;
}

/** Columns that are announced for certain, and those that may be. */
function sortOut(known: KnownColumns, last: number): { certain: number[]; unsure: number[] } {
  const { old, now, never, highest, earlier } = known;
  const wasThere = (attnum: number): boolean => earlier?.has.includes(attnum) === true;
  const wasGone = (attnum: number): boolean => earlier !== null && attnum <= earlier.highest && !wasThere(attnum);
  const certain = now.filter((attnum) => old.includes(attnum) || wasThere(attnum));
  const fresh = Array.from({ length: Math.max(0, highest - last) }, (_, i) => last + 1 + i);
  const possible = [...old, ...fresh.filter((attnum) => !never.includes(attnum))];
  return { certain, unsure: possible.filter((attnum) => !certain.includes(attnum) && !wasGone(attnum)) };
}

/** When a new column is there, so are the new ones before it, but for those that have gone again. */
function isInOrder(placed: readonly number[], now: readonly number[], last: number): boolean {
  const highest = placed.at(-1) ?? 0;
  return now.every((attnum) => attnum <= last || attnum > highest || placed.includes(attnum));
}
