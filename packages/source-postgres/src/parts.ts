// What decides about rows without a connection: for the simulator, which has a server of its own. No interface for others.
export { CatchUpReader } from './catch-up/catch-up-reader.ts';
export type { CopiedSlot, LogExtent } from './catch-up/slot-copy.ts';
export { CopiedChunks } from './copy/copied-chunks.ts';
export { bulk, refill, type Taken } from './copy/taken.ts';
export type { ChunkPart } from './copy/copy-round.ts';
export type { CatalogTable } from './capture/catalog.ts';
export {
  boundaryPosition,
  chunkPosition,
  copiesBegun,
  isWhole,
  nextEpoch,
  positionEpoch,
  positionLsn,
  readState,
  stateJson,
  unreadChunks,
  type ChunkState,
  type PostgresState,
} from './position.ts';
export { shapedTable, type CapturedTable } from './shape/captured-table.ts';
export { CapturedTables } from './shape/captured-tables.ts';
export { checkServer } from './server-identity.ts';
export { rewriteReason } from './shape/shape-difference.ts';
export type { Catalog, CatalogContent, CatalogView } from './shape/catalog-view.ts';
export { StreamTables } from './shape/stream-tables.ts';
export { TableReplacement } from './shape/table-replacement.ts';
export { tableOf, type CatalogShape, type ShapeColumn } from './shape/table-shape.ts';
export { ChangeStream } from './stream/change-stream.ts';
export type { Give } from './stream/stream-pause.ts';
export { WalsenderReader } from './stream/walsender-reader.ts';
export type { LogReader } from './stream/log-reader.ts';
export { VisibleTransactions } from './stream/visible-transactions.ts';
