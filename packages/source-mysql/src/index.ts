export { mysqlConfig, type MysqlConfig } from './config.ts';
export { mysqlSource } from './connector.ts';
export { mysql, type MysqlOptions } from './mysql.ts';
export { MysqlSource } from './source.ts';
export {
  boundaryPosition,
  chunkPosition,
  commitPosition,
  commitVersion,
  copiesBegun,
  nextEpoch,
  parsePosition,
  type PositionParts,
} from './position.ts';
export { gtidsOf, readState, stateJson, type ColumnState, type CopyState, type Flavour, type MysqlState, type TableState } from './checkpoint-state.ts';
export { readServerLog, type ServerLog } from './server-log.ts';
export { BinlogConnection } from './stream/binlog-connection.ts';
export type { DumpRequest, LogStart } from './stream/dump-request.ts';
export { EventStream } from './stream/event-stream.ts';
export { replicaIdentity, type ReplicaIdentity } from './stream/replica-identity.ts';
export { bindTable } from './capture/bind-table.ts';
export { readCatalog, type CatalogColumn, type CatalogTable } from './capture/catalog.ts';
export { shapeOf, shapeOfState, type ShapeColumn, type TableShape } from './capture/table-shape.ts';
export { checkServer, type CheckOptions } from './check.ts';
export { ChunkReader, type ReadChunk } from './copy/chunk-reader.ts';
export { SnapshotMoment, type StreamPlace } from './copy/chunk-snapshot.ts';
export { ChunkedCopy, type ChunkedCopyOptions, type CopyHost } from './copy/chunked-copy.ts';
export { isCopiedByKey } from './copy/key-sql.ts';
export type { SnapshotOptions } from './copy/snapshot-connection.ts';
export { readSnapshot, type SnapshotRows } from './copy/table-snapshot.ts';
export { MysqlTableReader } from './table-reader.ts';
