export type { CellRewrite, TableBinding } from './binding.ts';
export { PgoutputDecoder, type DecoderHost } from './decoder.ts';
export { formatLsn, parseLsn } from './lsn.ts';
export type { Relation, RelationColumn } from './relation.ts';
export type { Begin, CommitEnd } from './transaction.ts';
