/** What may be announced without a way to tell which column it is; more possibilities than these are not tried. */
const MOST_UNSURE = 12;
/** So much less likely every other possibility has to be. */
const CLEARLY = 2;

/** When something was done to a column, by the order of transaction ids: before the transaction that announces, in it, after. */
export type When = 'before' | 'within' | 'after';

/** What is known of a table's columns around the moment when the stream announced it; columns by `attnum`. */
export interface KnownColumns {
  /** The names that the stream had before, in the order of `attnum`. */
  readonly old: ReadonlyMap<number, string>;
  /** What the catalog has now, which may be later than the stream, and when each was altered last. */
  readonly now: ReadonlyMap<number, { readonly name: string; readonly altered: When }>;
  /** Columns that the catalog has no more, and when they were dropped. */
  readonly dropped: ReadonlyMap<number, When>;
  /** What the catalog had at a moment that is surely not later than the stream; null when there is none. */
  readonly earlier: { readonly has: ReadonlySet<number>; readonly highest: number } | null;
}

/**
 * Which columns a relation of the stream announces; null when that cannot be told. An announcement has names and types only,
 * in the order of `attnum`, and the catalog may have gone on since. But a column that was there before and is there now was
 * there in between, one that is gone may still be announced, and columns are added in order. What is left open is decided by
 * names and by the order of transaction ids, which is nearly that of events: only when all else is much less likely, and
 * never between two possibilities that have the same names.
 *
 * @param names as announced
 * @param fits whether what is announced at an index can be that column
 */
export function placeColumns(
  known: KnownColumns,
  names: readonly string[],
  fits: (index: number, attnum: number) => boolean = () => true,
): number[] | null {
  const last = [...known.old.keys()].at(-1) ?? 0;
  // A column from before that was not captured before: a generated one that has become an ordinary one, for instance.
  for (const attnum of known.now.keys()) if (attnum <= last && !known.old.has(attnum)) return null;
  const { certain, unsure } = sortOut(known, last);
  if (unsure.length > MOST_UNSURE) return null;
  const possible: { placed: number[]; oddities: number; plain: boolean }[] = [];
  for (let choice = 0; choice < 1 << unsure.length; choice++) {
    const placed = [...certain, ...unsure.filter((_, i) => (choice & (1 << i)) !== 0)].toSorted((a, b) => a - b);
    if (placed.length !== names.length || !isInOrder(placed, known.now, last)) continue;
    if (!placed.every((attnum, index) => fits(index, attnum))) continue;
    possible.push({ placed, oddities: oddities(known, placed, names), plain: isPlain(known, placed, names) });
  }
  const [best, next] = possible.toSorted((a, b) => a.oddities - b.oddities);
  if (best === undefined) return null;
  if (next === undefined) return best.placed;
  if (next.oddities - best.oddities < CLEARLY || possible.filter(({ plain }) => plain).length > 1) return null;
  return best.placed;
}

/** Columns that are announced for certain, and those that may be. */
function sortOut({ old, now, dropped, earlier }: KnownColumns, last: number): { certain: number[]; unsure: number[] } {
  const wasThere = (attnum: number): boolean => earlier?.has.has(attnum) === true;
  const wasGone = (attnum: number): boolean => earlier !== null && attnum <= earlier.highest && !wasThere(attnum);
  const certain = [...now.keys()].filter((attnum) => old.has(attnum) || wasThere(attnum));
  const fresh = [...now.keys(), ...dropped.keys()].filter((attnum) => attnum > last);
  const possible = [...old.keys(), ...fresh];
  return { certain, unsure: possible.filter((attnum) => !certain.includes(attnum) && !wasGone(attnum)) };
}

/** When a new column is there, so are the new ones before it, but for those that have gone again. */
function isInOrder(placed: readonly number[], now: KnownColumns['now'], last: number): boolean {
  const highest = placed.at(-1) ?? 0;
  return [...now.keys()].every((attnum) => attnum <= last || attnum > highest || placed.includes(attnum));
}

/** Every column is announced under a name that it is known to have had. */
function isPlain({ old, now }: KnownColumns, placed: readonly number[], names: readonly string[]): boolean {
  return placed.every((attnum, i) => names[i] === old.get(attnum) || names[i] === now.get(attnum)?.name);
}

/** How much must have happened that is out of the ordinary for these columns to be the ones. */
function oddities(known: KnownColumns, placed: readonly number[], names: readonly string[]): number {
  let count = 0;
  const columns = new Set([...known.old.keys(), ...known.now.keys(), ...known.dropped.keys()]);
  for (const attnum of columns) {
    const index = placed.indexOf(attnum);
    count += known.now.has(attnum)
      ? oddityOfPresent(known, attnum, index === -1 ? null : names[index]!)
      : oddityOfDropped(known, attnum, index === -1 ? null : names[index]!);
  }
  return count;
}

/** @param name under which it is announced; null when it is not */
function oddityOfPresent({ old, now }: KnownColumns, attnum: number, name: string | null): number {
  const { name: current, altered } = now.get(attnum)!;
  if (name === null) return altered === 'before' ? 2 : 0;
  if (altered === 'before') return name === current ? 0 : 2;
  if (name === old.get(attnum)) return 0;
  if (name !== current) return 1;
  return old.has(attnum) || altered === 'within' ? 0 : 1;
}

function oddityOfDropped({ old, dropped }: KnownColumns, attnum: number, name: string | null): number {
  const when = dropped.get(attnum) ?? 'after';
  if (name === null) return old.has(attnum) && when === 'after' ? 1 : 0;
  return (when === 'before' ? 1 : 0) + (name === old.get(attnum) ? 0 : 1);
}
