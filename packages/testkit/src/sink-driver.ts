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

/** Where a sink of class B writes to. */
export interface StagedEnvironment extends SinkEnvironment {
  /** Lets the next `apply` fail when a part of it is done: the process dies there. */
  interruptApply(): void;
}

/** A server that can be out of order for a while. */
export interface ServedEnvironment extends SinkEnvironment {
  /** From now on the server refuses whatever would change something, or takes it in again. */
  refuseAll(refuses: boolean): void | Promise<void>;
}

/** An event as it has arrived, in the order of arrival; one that came twice is there twice. */
export interface ReceivedEvent {
  /** By this a reader knows doubles: it is the same whenever the event is sent, and no other event has it. */
  readonly id: string;
  /** `namespace.name` at the source. */
  readonly table: string;
  readonly op: 'insert' | 'update' | 'delete' | 'read' | 'truncate';
  /** The row after the event, of a delete what came of the row before; NULL is null, and what did not come is left out. */
  readonly cells: Readonly<Record<string, string | null>>;
}

/** Where a sink of class D writes to. */
export interface ReceivingEnvironment extends ServedEnvironment {
  received(): Promise<readonly ReceivedEvent[]>;
}

/** Values of one type that a sink must give back with the same bytes, given as canonical cells. */
export interface ValueCase {
  readonly name: string;
  readonly type: LogicalType;
  readonly cells: readonly (string | Uint8Array)[];
}

/** What `sinkContract` needs of a store, whatever the class. */
interface CommonDriver<Class, Environment> {
  /** For the titles of the tests. */
  readonly name: string;
  /** As advertised: its suite is run, see docs/connectors.md. */
  readonly deliveryClass: Class;
  start(): Promise<Environment>;
}

/** … of one that keeps tables. */
interface TablesDriver<Class, Environment> extends CommonDriver<Class, Environment> {
  readonly codes: {
    /** A table that is there under the target's name was not made by this pipeline and sink. */
    readonly tableExists: ErrorCode;
  };
  /** Left out of the common value cases, by name, since the store has no such values; its page says so. */
  readonly lacks?: readonly string[];
  /** Whether the store has a value of a type at all, as a canonical cell; others are left out, and its page says so. */
  readonly holds?: (type: LogicalType, cell: string | Uint8Array) => boolean;
  /** The place keeps one checkpoint only, for one shard of one pipeline. */
  readonly oneShard?: boolean;
}

/** A store whose transaction holds rows and checkpoint. */
export type TransactionalDriver = TablesDriver<'A', SinkEnvironment>;
/** A store that is given an intent first, which is then applied. */
export type StagedDriver = TablesDriver<'B', StagedEnvironment>;
/** A store of rows with key and version. */
export type IdempotentDriver = TablesDriver<'C', ServedEnvironment>;
/** A store that takes events, some of them twice. */
export type AtLeastOnceDriver = CommonDriver<'D', ReceivingEnvironment>;

/** A sink that keeps mirrors, which can be compared with what they have to hold. */
export type SinkDriver = TransactionalDriver | StagedDriver | IdempotentDriver;

/** The values of a type that the store can hold. */
export function heldCells<Cell extends string | Uint8Array>({ holds }: SinkDriver, type: LogicalType, cells: readonly Cell[]): Cell[] {
  return cells.filter((cell) => holds === undefined || holds(type, cell));
}

/** Whether nothing shows of what is not committed, and the sink's own checkpoint is the truth (invariant 4). */
export function keepsCheckpoint({ deliveryClass }: SinkDriver): boolean {
  return deliveryClass !== 'C';
}
