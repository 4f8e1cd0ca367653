import type { Layout as SqlLayout, MappedColumn as SqlColumn } from '@weir/sql-sink';
import type { Encoding } from './column-type.ts';

export type Layout = SqlLayout<Encoding>;
export type MappedColumn = SqlColumn<Encoding>;
