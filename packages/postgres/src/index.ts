export { BatchChannel } from './batch-channel.ts';
export {
  connect,
  cutOnAbort,
  query,
  quoteIdentifier,
  quoteLiteral,
  serverError,
  socketOf,
  type ConnectionConfig,
} from './connection.ts';
export { CopyReader } from './copy-reader.ts';
export { COPY_HEADER, CopyWriter } from './copy-writer.ts';
export { Frames } from './frames.ts';
export type { TypeMapping } from './type-mapping.ts';
export { mapType, readTypes, type PgType } from './map-type.ts';
export { Wire, parseErrorResponse } from './wire.ts';
