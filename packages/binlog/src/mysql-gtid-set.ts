import { formatSource, isTag, notGtid, parseNumber, parseUuid, type MysqlGtid } from './gtid.ts';
import { addInterval, hasInterval, subtractIntervals, type Intervals } from './intervals.ts';

/** The numbers of one source, `uuid` or `uuid:tag`. */
export interface GtidSource {
  readonly uuid: string;
  readonly tag: string;
  readonly intervals: Intervals;
}

/**
 * A set of MySQL's GTIDs, as `gtid_executed` has it: `uuid:1-5:8,uuid:tag:1-3`. Changed in place, so that a transaction costs
 * no more than its own number.
 * https://dev.mysql.com/doc/refman/8.4/en/replication-gtids-concepts.html#replication-gtids-concepts-gtid-sets
 */
export class MysqlGtidSet {
  readonly #sources = new Map<string, GtidSource>();

  /** @throws WeirError WEIR_BINLOG_GTID */
  static parse(text: string): MysqlGtidSet {
    const set = new MysqlGtidSet();
    for (const part of text.toLowerCase().split(',')) {
      if (part.trim() !== '') set.#parseSource(part.split(':').map((each) => each.trim()));
    }
    return set;
  }

  #parseSource([first = '', ...parts]: readonly string[]): void {
    const uuid = parseUuid(first);
    let tag = '';
    let numbers = 0;
    for (const [index, part] of parts.entries()) {
      if (isTag(part)) {
        // A tag holds for the intervals behind it, and has some.
        if (index > 0 && numbers === 0) throw notGtid(parts[index - 1]!);
        tag = part;
        numbers = 0;
        continue;
      }
      const [from = '', to = from, ...more] = part.split('-').map((each) => each.trim());
      const interval = [parseNumber(from), parseNumber(to)] as const;
      if (more.length > 0 || interval[1] < interval[0]) throw notGtid(part);
      this.addRange(uuid, tag, interval[0], interval[1] + 1n);
      numbers++;
    }
    if (numbers === 0) throw notGtid(first);
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** Ordered by uuid and tag. */
  get sources(): readonly GtidSource[] {
    return [...this.#sources.values()].sort((a, b) => compare(a.uuid, b.uuid) || compare(a.tag, b.tag));
  }

  add({ uuid, tag, number }: MysqlGtid): void {
    this.addRange(uuid, tag, number, number + 1n);
  }

  /** Adds the numbers from `first` up to, but not, `behind`. */
  addRange(uuid: string, tag: string, first: bigint, behind: bigint): void {
    const name = formatSource(uuid, tag);
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = { uuid, tag, intervals: [] };
      this.#sources.set(name, source);
    }
    addInterval(source.intervals, first, behind);
  }

  addAll(others: MysqlGtidSet): void {
    for (const { uuid, tag, intervals } of others.#sources.values()) {
      for (let at = 0; at < intervals.length; at += 2) this.addRange(uuid, tag, intervals[at]!, intervals[at + 1]!);
    }
  }

  has({ uuid, tag, number }: MysqlGtid): boolean {
    const source = this.#sources.get(formatSource(uuid, tag));
    return source !== undefined && hasInterval(source.intervals, number, number + 1n);
  }

  /** Whether all of `others` are in this set. */
  hasAll(others: MysqlGtidSet): boolean {
    return [...others.#sources].every(([name, { intervals }]) => {
      const own = this.#sources.get(name)?.intervals ?? [];
      return intervals.every((first, at) => at % 2 === 1 || hasInterval(own, first, intervals[at + 1]!));
    });
  }

  /** What this set has and `others` lacks, as a new set. */
  without(others: MysqlGtidSet): MysqlGtidSet {
    const rest = new MysqlGtidSet();
    for (const [name, { uuid, tag, intervals }] of this.#sources) {
      const left = subtractIntervals(intervals, others.#sources.get(name)?.intervals ?? []);
      if (left.length > 0) rest.#sources.set(name, { uuid, tag, intervals: left });
    }
    return rest;
  }

  clone(): MysqlGtidSet {
    const copy = new MysqlGtidSet();
    copy.addAll(this);
    return copy;
  }

  equals(others: MysqlGtidSet): boolean {
    return this.format() === others.format();
  }

  /** As the server writes it: sources in order, those of one uuid together. */
  format(): string {
    let text = '';
    let last = '';
    for (const { uuid, tag, intervals } of this.sources) {
      if (uuid !== last) text += `${text === '' ? '' : ','}${uuid}`;
      last = uuid;
      if (tag !== '') text += `:${tag}`;
      for (let at = 0; at < intervals.length; at += 2) text += `:${intervalText(intervals[at]!, intervals[at + 1]! - 1n)}`;
    }
    return text;
  }

  toString(): string {
    return this.format();
  }
}

function intervalText(first: bigint, last: bigint): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
