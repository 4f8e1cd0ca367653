import type { LogicalType, Sink } from '@weir/sdk';

/** A place of its own that a sink writes to, empty at first. */
export interface SinkEnvironment extends AsyncDisposable {
  /** A new object over the same place, as another start of the runner makes it. */
  sink(): Sink;
}

/** Values of one type that a sink must give back with the same bytes, given as canonical cells. */
export interface ValueCase {
  readonly name: string;
  readonly type: LogicalType;
  readonly cells: readonly (string | Uint8Array)[];
}

/** What `sinkContract` needs of a store. */
export interface SinkDriver {
  /** For the titles of the tests. */
  readonly name: string;
  /** As advertised. The contract knows class A so far: checkpoint and rows in one transaction of the sink. */
  readonly deliveryClass: 'A';
  start(): Promise<SinkEnvironment>;
  /** Left out of the common value cases, by name, since the store has no such values; its page says so. */
  readonly lacks?: readonly string[];
  /** The place keeps one checkpoint only, for one shard of one pipeline. */
  readonly oneShard?: boolean;
}
