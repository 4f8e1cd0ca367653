export type { CellRewrite, TableBinding } from './binding.ts';
export { PgoutputDecoder, type DecoderHost, type DecoderOptions } from './decoder.ts';
export { formatLsn, parseLsn } from './lsn.ts';
export type { ProtocolVersion } from './message-kind.ts';
export type { CommitPrepared, Prepare, PreparedHost, RollbackPrepared } from './prepared.ts';
export type { Relation, RelationColumn } from './relation.ts';
export type { StreamAbort, StreamCommit, StreamStart, StreamedHost } from './streamed.ts';
export type { Begin, CommitEnd } from './transaction.ts';
