/** What `weir demo` takes. */
export interface DemoOptions {
  /** End after this many seconds; on Ctrl-C when left out. */
  readonly seconds?: number;
  /** Throw away what an earlier demo left. */
  readonly fresh?: true;
  /** Transactions per second of the load. */
  readonly rate?: number;
  /** Where the demo keeps its servers, state and database. */
  readonly directory?: string;
  /** Print the comparison at the end as JSON. */
  readonly json?: true;
  readonly verbose?: true;
}
