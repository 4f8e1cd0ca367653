export type { BinlogColumn, CellDecoder } from './cells/cell-decoder.ts';
export type { ZeroDates } from './cells/calendar.ts';
export { cellDecoder } from './cells/column-cells.ts';
export type { CellOptions, ColumnCells } from './cells/described-column.ts';
export { JsonCell } from './cells/json-cell.ts';
export { parseSourceType, type SourceType } from './cells/source-type.ts';
export type { TextRewrite } from './cells/text/text-rewrite.ts';
export { selected, textCells, type TextCells } from './cells/text/text-cells.ts';
