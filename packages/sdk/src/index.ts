export {
  NO_IMAGE,
  NO_TABLE,
  NULL_CELL,
  Op,
  UNCHANGED_CELL,
  emptyBatch,
  filterRows,
  forEachTable,
  type Batch,
  type Chunk,
  type Commit,
} from './batch.ts';
export { BatchBuilder, canonicalCell, unchanged, type CellValue, type RowValues } from './batch-builder.ts';
export { BATCH_BYTES, BATCH_ROWS, Spill } from './batch-storage.ts';
export { BatchWriter } from './batch-writer.ts';
export {
  Changes,
  type Change,
  type ChangedRow,
  type ChangesOptions,
  type CopiedRange,
  type DeletedRow,
  type IdleChange,
  type NewRow,
  type Row,
  type Rows,
  type ShapeChange,
  type TruncatedTable,
} from './changes.ts';
export type { CheckResult } from './check-result.ts';
export { systemClock, type Clock } from './clock.ts';
export { closestName } from './closest-name.ts';
export { byteSize, duration, parseBytes, parseDuration, secret } from './config.ts';
export {
  defaultSinkOptions,
  schemaPolicies,
  silentLogger,
  type ConnectorContext,
  type Delivery,
  type Logger,
  type SchemaPolicies,
  type SchemaPolicy,
  type SinkConnector,
  type SinkOptions,
  type SourceConnector,
} from './connector.ts';
export { CopiedRanges } from './copied-ranges.ts';
export { crashPoint, crashPoints, type CrashPoint } from './crash-point.ts';
export { errorCodes, type ErrorCode, type ErrorPolicy } from './error-codes.ts';
export { WeirError, explainError, toWeirError, type ConfigPlace, type WeirErrorOptions } from './errors.ts';
export { float32Text, float64Text } from './float-text.ts';
export { nearestFloat32 } from './float32.ts';
export { historyColumns, historyTable, softDeleteColumn } from './history.ts';
export { keyOrder, onlyKey, rangeHolds, type Key, type KeyRange } from './key-range.ts';
export { logicalTypeName, type LogicalType, type SimpleKind } from './logical-type.ts';
export { comparePositions, earliestCheckpoint, furthestPosition, type Checkpoint, type Json, type Position } from './position.ts';
export { ImageCursor, RowCursor } from './row-cursor.ts';
export type { RowJudge } from './row-judge.ts';
export { rowValue, type RowValue } from './row-value.ts';
export { Secret, redactUrls } from './secret.ts';
export type {
  ColumnPlan,
  FlushedSession,
  QueryResult,
  Shard,
  Sink,
  SinkBase,
  SinkSession,
  StagedSession,
  StopReason,
  TablePlan,
  TransactionalSession,
} from './sink.ts';
export type {
  BegunAnew,
  CapturePlan,
  CopyAgain,
  CopyMethod,
  Source,
  SourcePlan,
  SourceSession,
  SourceStatus,
  TableProgress,
} from './source.ts';
export { isChosen, parsePattern, patternOf, tableNameText, tablePatternText, type TableName, type TablePattern } from './table-pattern.ts';
export { expectInRange, tableRows, type TableRows } from './table-rows.ts';
export type { TableReader } from './table-reader.ts';
export { tableName, type Column, type SchemaChange, type SchemaChangeKind, type Table } from './table.ts';
export { refuseTemplates, targetName } from './target.ts';
export type { RejectedRow, Transform, Transformed } from './transform.ts';
export { packVersion, unpackVersion } from './version.ts';
