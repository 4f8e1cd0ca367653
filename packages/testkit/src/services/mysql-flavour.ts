import type { StartedMariaDbContainer } from '@testcontainers/mariadb';
import type { StartedMySqlContainer } from '@testcontainers/mysql';
import { processLabel } from './container-image.ts';
import type { ServiceOptions } from './started-service.ts';

type Settings = NonNullable<ServiceOptions['settings']>;

/** How a container of one of the two kinds of server starts. */
export interface MysqlFlavour {
  /** As `serviceImages` has it. */
  readonly name: 'mysql' | 'mariadb';
  /** Names a server that runs. */
  readonly variable: string;
  /** What every source needs, with memory for several servers on one machine: each stays below 400 MB. */
  readonly settings: Settings;
  /** @param port of this machine, where the server is reached */
  start(image: string, port: number, settings: Settings): Promise<StartedMySqlContainer | StartedMariaDbContainer>;
}

/** Neither sync_binlog nor innodb_flush_log_at_trx_commit is among them: what is durable is what tests are about. */
const SETTINGS: Settings = {
  server_id: '1',
  log_bin: 'binlog',
  binlog_row_image: 'FULL',
  binlog_row_metadata: 'FULL',
  character_set_server: 'utf8mb4',
  // Tests read the certificates that the server made by LOAD_FILE.
  secure_file_priv: '',
  max_connections: '150',
  table_open_cache: '400',
  table_definition_cache: '400',
  innodb_buffer_pool_size: '64M',
  innodb_log_buffer_size: '8M',
};

const mysql: MysqlFlavour = {
  name: 'mysql',
  variable: 'WEIR_TEST_MYSQL_URL',
  settings: {
    ...SETTINGS,
    gtid_mode: 'ON',
    enforce_gtid_consistency: 'ON',
    mysqlx: 'OFF',
    // Statistics that take 80 MB.
    performance_schema_accounts_size: '0',
    performance_schema_hosts_size: '0',
    performance_schema_users_size: '0',
    performance_schema_error_size: '0',
  },
  async start(image, port, settings) {
    const { MySqlContainer } = await import('@testcontainers/mysql');
    return await new MySqlContainer(image)
      .withExposedPorts({ container: 3306, host: port })
      .withCommand(argumentsOf(settings))
      .withLabels(processLabel())
      .start();
  },
};

const mariadb: MysqlFlavour = {
  name: 'mariadb',
  variable: 'WEIR_TEST_MARIADB_URL',
  settings: { ...SETTINGS, binlog_format: 'ROW', innodb_log_file_size: '32M', key_buffer_size: '8M', aria_pagecache_buffer_size: '8M' },
  async start(image, port, settings) {
    const { MariaDbContainer } = await import('@testcontainers/mariadb');
    return await new MariaDbContainer(image)
      .withExposedPorts({ container: 3306, host: port })
      .withCommand(argumentsOf(settings))
      .withLabels(processLabel())
      .start();
  },
};

export const mysqlFlavours: Readonly<Record<MysqlFlavour['name'], MysqlFlavour>> = { mysql, mariadb };

function argumentsOf(settings: Settings): string[] {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
}
