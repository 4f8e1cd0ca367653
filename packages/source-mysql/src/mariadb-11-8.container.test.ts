import { sourceContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { mysqlDriver } from './testing/mysql-driver.ts';

const mariadb = service('mariadb');

await describeWithServices('MariaDB 11.8 in a container', [mariadb], () => sourceContract(mysqlDriver(mariadb, 'mariadb')));
