export { Child } from './child.ts';
export { FaultScript, type Fault, type FaultKind } from './fault-script.ts';
export { FaultySink } from './faulty-sink.ts';
export { FaultySource } from './faulty-source.ts';
export { foldHistory } from './fold-history.ts';
export { foldItems, type Item } from './items.ts';
export { itemsStatement, standardQuoting, type Quoting } from './items-statement.ts';
export { ManualClock } from './manual-clock.ts';
export { MemorySink } from './memory-sink.ts';
export { MemoryTarget } from './memory-target.ts';
export type { LoggedRow } from './logged-table.ts';
export { poolingRelay } from './pooling-relay.ts';
export { PrunedLog, type LoggedChange, type LoggedTransaction } from './pruned-log.ts';
export { boundaryOf, commitOf, epochOf, tableIsAt, transactionOf } from './pruning-position.ts';
export { PruningSource, type BatchLedger, type PruningSourceOptions } from './pruning-source.ts';
export { Reading, failure } from './reading.ts';
export { scanTable } from './scan-table.ts';
export { testSeed } from './seed.ts';
export { seededRandom } from './seeded-random.ts';
export { seeBatch, type SeenBatch, type SeenCell, type SeenRow } from './seen-batch.ts';
export { sinkContract } from './sink-contract.ts';
export { sinkCrashes, type CrashDriver, type CrashedTarget } from './sink-crash.ts';
export { contractOptions, contractShard } from './sink-driver.ts';
export type {
  AtLeastOnceDriver,
  IdempotentDriver,
  ReceivedEvent,
  ReceivingEnvironment,
  ServedEnvironment,
  SinkDriver,
  SinkEnvironment,
  StagedDriver,
  StagedEnvironment,
  TransactionalDriver,
  ValueCase,
} from './sink-driver.ts';
export { sourceContract } from './source-contract.ts';
export type { Change, Discontinuity, ShapeStatement, SourceDriver, SourceEnvironment, TypeCase } from './source-driver.ts';
export { cellsByName, changesOf, eventsOf } from './table-events.ts';
export type { TableContent } from './table-content.ts';
export { heapGrowth } from './heap-growth.ts';
