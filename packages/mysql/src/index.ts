export { MysqlClient, STATEMENT_HEADER, cutOnAbort, type Answer, type Row } from './client.ts';
export { connect } from './connection/connect.ts';
export {
  connectionFields,
  connectionOf,
  needsServer,
  type ConnectionConfig,
  type TlsConfig,
  type TlsMode,
} from './connection/connection-config.ts';
export { connectionError, isServerAnswer, serverError, type MysqlError } from './connection/mysql-error.ts';
export { isLocal, resolveTarget, type Target } from './connection/target.ts';
export { Grants } from './grants.ts';
export { query } from './query.ts';
export { quoteIdentifier, quoteLiteral } from './quote.ts';
export { isAtLeast, parseVersion, serverVersion, type ServerVersion } from './server-version.ts';
