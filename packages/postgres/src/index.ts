export { BatchChannel } from './batch-channel.ts';
export { closeClient, cutOnAbort, socketOf } from './connection/client-socket.ts';
export { connect } from './connection/connect.ts';
export {
  connectionFields,
  connectionOf,
  needsServer,
  type ChannelBinding,
  type ConnectionConfig,
  type SessionAttributes,
  type TlsConfig,
  type TlsMode,
} from './connection/connection-config.ts';
export { query } from './connection/query.ts';
export { serverError } from './connection/server-error.ts';
export { CopyConnection } from './copy-connection.ts';
export { CopyReader } from './copy-reader.ts';
export { textCell } from './copy-text.ts';
export { COPY_HEADER, CopyWriter } from './copy-writer.ts';
export { Frames } from './frames.ts';
export type { TypeMapping } from './type-mapping.ts';
export { mapType, readTypes, type PgType } from './map-type.ts';
export { Wire, parseErrorResponse, type WireOptions } from './wire.ts';
export { quoteIdentifier, quoteLiteral } from './quote.ts';
export { encryptionResult } from './server/encryption.ts';
export { between, betweenResult, refusePooler } from './server/pooler.ts';
export { vendorOf, vendorResult, type Vendor } from './server/vendor.ts';
