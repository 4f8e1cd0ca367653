import { MysqlService } from './mysql-service.ts';
import { PostgresService } from './postgres-service.ts';
import type { ServiceOptions } from './started-service.ts';
import { ToxiproxyService } from './toxiproxy-service.ts';

/**
 * A server by its name, not started yet: `service('postgres', { version: 17 })`. It is the one that `WEIR_TEST_<NAME>_URL`
 * names, else a container of the official image, else one of the image that `npm run services` builds where no registry
 * answers. `describeWithServices` starts and stops it.
 */
export function service(name: 'postgres', options?: ServiceOptions): PostgresService;
export function service(name: 'mysql' | 'mariadb', options?: ServiceOptions): MysqlService;
export function service(name: 'toxiproxy'): ToxiproxyService;
export function service(
  name: 'postgres' | 'mysql' | 'mariadb' | 'toxiproxy',
  options: ServiceOptions = {},
): PostgresService | MysqlService | ToxiproxyService {
  if (name === 'toxiproxy') return new ToxiproxyService();
  return name === 'postgres' ? new PostgresService(options) : new MysqlService(name, options);
}
