import { sourceContract } from '@weir/testkit';
import { describeWithServices, service } from '@weir/testkit/services';
import { mysqlDriver } from './testing/mysql-driver.ts';

const mysql = service('mysql');

await describeWithServices('MySQL 9 in a container', [mysql], () => sourceContract(mysqlDriver(mysql, 'mysql')));
