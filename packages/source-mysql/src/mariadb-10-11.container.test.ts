import { sourceContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { mysqlDriver } from './testing/mysql-driver.ts';

const mariadb = service('mariadb', { version: '10.11' });

await describeWithServices('MariaDB 10.11 in a container', [mariadb], () => sourceContract(mysqlDriver(mariadb, 'mariadb')));
