/**
 * A set of integers as ascending, disjoint intervals that do not touch: first, behind the last, first, behind the last, …
 */
export type Intervals = bigint[];

/** Adds the integers from `first` up to, but not, `behind`. */
export function addInterval(set: Intervals, first: bigint, behind: bigint): void {
  // Usually the next one: the last interval grows.
  if (set.at(-1) === first) {
    set[set.length - 1] = behind;
    return;
  }
  let from = 0;
  while (from < set.length && set[from + 1]! < first) from += 2;
  let to = from;
  let [start, end] = [first, behind];
  while (to < set.length && set[to]! <= behind) {
    if (set[to]! < start) start = set[to]!;
    if (set[to + 1]! > end) end = set[to + 1]!;
    to += 2;
  }
  set.splice(from, to - from, start, end);
}

/** Whether the set has all integers from `first` up to, but not, `behind`. */
export function hasInterval(set: Intervals, first: bigint, behind: bigint): boolean {
  let low = 0;
  let high = set.length / 2;
  // The last interval that starts at or before `first`.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle * 2]! <= first) low = middle + 1;
    else high = middle;
  }
  return low > 0 && set[low * 2 - 1]! >= behind;
}

/** What `set` has and `others` lacks. */
export function subtractIntervals(set: Intervals, others: Intervals): Intervals {
  const rest: Intervals = [];
  let other = 0;
  for (let index = 0; index < set.length; index += 2) {
    let first = set[index]!;
    const behind = set[index + 1]!;
    while (other < others.length && others[other + 1]! <= first) other += 2;
    for (let next = other; next < others.length && others[next]! < behind; next += 2) {
      if (others[next]! > first) rest.push(first, others[next]!);
      if (others[next + 1]! > first) first = others[next + 1]!;
    }
    if (first < behind) rest.push(first, behind);
  }
  return rest;
}
