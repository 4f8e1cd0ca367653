import { notGtid } from './gtid.ts';

/**
 * A global transaction identifier of MariaDB: `domain-server-sequence`.
 * https://mariadb.com/kb/en/gtid/
 */
export interface MariadbGtid {
  /** 32 bits; transactions of one domain are in one order. */
  readonly domain: number;
  /** 32 bits: the server that committed first. */
  readonly server: number;
  /** 64 bits; goes up within its domain. */
  readonly sequence: bigint;
}

export function formatMariadbGtid({ domain, server, sequence }: MariadbGtid): string {
  return `${domain}-${server}-${sequence}`;
}

/** @throws WeirError WEIR_BINLOG_GTID */
export function parseMariadbGtid(text: string): MariadbGtid {
  const [, domain, server, sequence] = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/u.exec(text.trim()) ?? [];
  if (domain === undefined) throw notGtid(text);
  const gtid = { domain: Number(domain), server: Number(server), sequence: BigInt(sequence!) };
  if (gtid.domain > 0xffff_ffff || gtid.server > 0xffff_ffff || gtid.sequence >= 1n << 64n) throw notGtid(text);
  return gtid;
}

/**
 * Where a reader of MariaDB's log is: the last GTID of each domain, as `gtid_slave_pos` has them. All before them in their
 * domain were read.
 */
export class MariadbGtidPosition {
  readonly #last = new Map<number, MariadbGtid>();

  /** @throws WeirError WEIR_BINLOG_GTID also where a domain comes twice */
  static parse(text: string): MariadbGtidPosition {
    const position = new MariadbGtidPosition();
    for (const part of text.split(',')) {
      if (part.trim() === '') continue;
      const gtid = parseMariadbGtid(part);
      if (position.#last.has(gtid.domain)) throw notGtid(text);
      position.add(gtid);
    }
    return position;
  }

  get isEmpty(): boolean {
    return this.#last.size === 0;
  }

  /** Ordered by domain. */
  get gtids(): readonly MariadbGtid[] {
    return [...this.#last.values()].sort((a, b) => a.domain - b.domain);
  }

  /** The transaction was read; one that is not behind the last of its domain changes nothing. */
  add(gtid: MariadbGtid): void {
    const last = this.#last.get(gtid.domain);
    if (last === undefined || gtid.sequence > last.sequence) this.#last.set(gtid.domain, gtid);
  }

  addAll(others: MariadbGtidPosition): void {
    for (const gtid of others.#last.values()) this.add(gtid);
  }

  /** Whether the transaction, or a later one of its domain, was read. */
  has({ domain, sequence }: MariadbGtid): boolean {
    const last = this.#last.get(domain);
    return last !== undefined && sequence <= last.sequence;
  }

  /** Whether this position is at or behind the other in each of its domains. */
  hasAll(others: MariadbGtidPosition): boolean {
    return others.gtids.every((gtid) => this.has(gtid));
  }

  clone(): MariadbGtidPosition {
    const copy = new MariadbGtidPosition();
    copy.addAll(this);
    return copy;
  }

  equals(others: MariadbGtidPosition): boolean {
    return this.format() === others.format();
  }

  /** As `gtid_slave_pos` and `@slave_connect_state` take it. */
  format(): string {
    return this.gtids.map((gtid) => formatMariadbGtid(gtid)).join(',');
  }

  toString(): string {
    return this.format();
  }
}
