import { sinkContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { mysqlDriver } from './testing/mysql-driver.ts';

const mariadb = service('mariadb', { version: '11.8' });

await describeWithServices('MariaDB 11.8 in a container', [mariadb], () => sinkContract(mysqlDriver(mariadb, 'mariadb')));
