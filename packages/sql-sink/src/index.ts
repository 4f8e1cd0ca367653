export type { ColumnType, Dialect } from './dialect.ts';
export { FORBIDDEN, roundsAt, writeEscaped } from './escape-text.ts';
export { refuse, type Finding } from './finding.ts';
export { isoTime } from './iso-time.ts';
export { layOut } from './lay-out.ts';
export { MARK, columnList, doingTo, type Layout, type MappedColumn } from './layout.ts';
export { planTables } from './plan.ts';
export { nameText, sinkIs, type QualifiedName, type Quoting } from './quoting.ts';
export { Registry } from './registry.ts';
export { hasBytes, type CellEncoder, type Cells, type Field, type RowLoader, type WrittenCell } from './row-loader.ts';
export { SqlSession, type FencedCheckpoint } from './session.ts';
export type { Answer, Ask, Cell, Doing, NamedColumn, SqlTransaction } from './sql-transaction.ts';
export {
  INSERTS,
  MUST_EXIST,
  OP_BITS,
  OP_OF,
  insertList,
  isLive,
  keysMatch,
  sequenceOf,
} from './stage-sql.ts';
export { expectNone, type Divergence, type Stage, type Staged } from './stage.ts';
export { extraColumns, isKeyIndex, isOptional, keyNames, type TableOptions } from './table-options.ts';
export { foreignTable, shapeFindings, sharedTarget } from './table-rules.ts';
export type { TargetColumn, TargetIndex, TargetTable } from './target-table.ts';
export { TargetTables, type RangeReader, type ShapeChanges } from './target-tables.ts';
