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
export { readState, stateJson, type ColumnState, type CopyState, type Flavour, type MysqlState, type TableState } from './checkpoint-state.ts';
