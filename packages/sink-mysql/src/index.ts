export { mysqlSinkConfig, type MysqlSinkConfig } from './config.ts';
export { mysqlSink } from './connector.ts';
export { mysql, type MysqlSinkOptions } from './mysql.ts';
export { columnType, TypeRules } from './column-type.ts';
