export { describeWithServices } from './describe-with-services.ts';
export { MysqlService, type MysqlDatabase } from './mysql-service.ts';
export { PostgresService } from './postgres-service.ts';
export { service } from './service.ts';
export type { ServiceOptions } from './started-service.ts';
export { ToxiproxyService, type Toxic, type ToxicProxy } from './toxiproxy-service.ts';
