export { describeWithServices } from './describe-with-services.ts';
export { PostgresService, type PostgresServiceOptions } from './postgres-service.ts';
export { service } from './service.ts';
export { ToxiproxyService, type Toxic, type ToxicProxy } from './toxiproxy-service.ts';
