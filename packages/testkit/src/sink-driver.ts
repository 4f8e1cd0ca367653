import { schemaPolicies, type ErrorCode, type LogicalType, type Shard, type Sink, type SinkOptions } from '@weir/sdk';

/** What the sinks of the contract are configured with, but for what a case changes. */
export const contractOptions: SinkOptions = {
  mode: 'mirror',
  target: { schema: '{schema}', table: '{table}' },
  deletes: 'hard',
  schemaChanges: schemaPolicies('apply'),
  onError: 'stop',
  memoryBytes: 128 * 2 ** 20,
};

/** Who writes in the contract, but for the cases about others. A sink is made in the context of this pipeline and name. */
export const contractShard: Shard = { pipeline: 'shop', sink: 'warehouse', shard: 0 };

/** A place of its own that a sink writes to, empty at first. */
export interface SinkEnvironment extends AsyncDisposable {
  /**
   * A new object over the same place, as another start of the runner makes it.
   * @param options what differs from {@link contractOptions}
   */
  sink(options?: Partial<SinkOptions>): Sink;
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
  readonly codes: {
    /** A table that is there under the target's name was not made by this pipeline and sink. */
    readonly tableExists: ErrorCode;
  };
  /** Left out of the common value cases, by name, since the store has no such values; its page says so. */
  readonly lacks?: readonly string[];
  /** The place keeps one checkpoint only, for one shard of one pipeline. */
  readonly oneShard?: boolean;
}
