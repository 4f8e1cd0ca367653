import type { ShapeColumn, TableShape } from './table-shape.ts';

/** Field by field of `ShapeColumn`, without names: a checkpoint may have ten thousands of them. */
export type ColumnState = readonly [
  attnum: number,
  name: string,
  typeOid: number,
  modifier: number,
  nullable: 0 | 1,
  sourceType: string,
  altered: string,
];

/** A shape as a checkpoint keeps it. */
export interface ShapeState extends Omit<TableShape, 'columns' | 'partitions'> {
  readonly columns: readonly ColumnState[];
  readonly partitions: readonly (readonly [oid: number, fileNode: number, attached: string])[];
}

export function shapeState(shape: TableShape): ShapeState {
  return {
    columns: shape.columns.map(({ attnum, name, typeOid, modifier, nullable, sourceType, altered }) => [
      attnum,
      name,
      typeOid,
      modifier,
      nullable ? 1 : 0,
      sourceType,
      altered,
    ]),
    key: shape.key,
    keyIndex: shape.keyIndex,
    identity: shape.identity,
    insertsOnly: shape.insertsOnly,
    fileNode: shape.fileNode,
    partitions: shape.partitions.map(({ oid, fileNode, attached }) => [oid, fileNode, attached]),
    contents: shape.contents,
  };
}

export function readShape(state: ShapeState): TableShape {
  const column = ([attnum, name, typeOid, modifier, nullable, sourceType, altered]: ColumnState): ShapeColumn => ({
    attnum,
    name,
    typeOid,
    modifier,
    nullable: nullable === 1,
    sourceType,
    altered,
  });
  return {
    ...state,
    columns: state.columns.map(column),
    partitions: state.partitions.map(([oid, fileNode, attached]) => ({ oid, fileNode, attached })),
  };
}
