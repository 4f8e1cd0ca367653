import { createHash } from 'node:crypto';
import { WeirError, type Shard } from '@weir/sdk';
import type { Answer } from '@weir/sql-sink';
import { identifier, literal, qualified } from './sql-text.ts';

/** Where Weir's own tables are unless the connection names a database. */
export const OWN_DATABASE = 'weir';

/** The full names, quoted, of Weir's own tables. */
export class OwnTables {
  readonly database: string;
  /** How far each pipeline is, and who may write. */
  readonly checkpoint: string;
  /** Which table belongs to which table of the source, and which are stopped. */
  readonly tables: string;
  /** What is still to be done to tables for commits that happened: see `shape-steps.ts`. */
  readonly steps: string;

  /** @param database of the connection's options */
  constructor(database: string | null) {
    this.database = database ?? OWN_DATABASE;
    const name = (table: string): string => qualified({ schema: this.database, table });
    this.checkpoint = name('_weir_checkpoint');
    this.tables = name('_weir_tables');
    this.steps = name('_weir_steps');
  }

  /**
   * Twelve hexadecimal digits that stand for a shard, in names which the server bounds and which all databases share: another
   * database of Weir's may have the same shard.
   */
  digest({ pipeline, sink, shard }: Shard): string {
    return createHash('sha256').update(JSON.stringify([this.database, pipeline, sink, shard])).digest('hex').slice(0, 12);
  }

  /** Makes them where they are missing. A user who may not make databases can be given it. */
  async make(run: (sql: string) => Promise<Answer>): Promise<void> {
    const schema = literal(this.database);
    const [found] = (
      await run(
        `SELECT (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ${schema}),
          (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = ${schema}
            AND table_name IN ('_weir_checkpoint', '_weir_tables', '_weir_steps'))`,
      )
    ).rows;
    if (found![0] === '0') await run(`CREATE DATABASE IF NOT EXISTS ${identifier(this.database)}`);
    if (found![1] !== '3') for (const sql of this.#createSql()) await run(sql);
    await this.#expectInnodb(run);
  }

  #createSql(): string[] {
    const options = 'ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
    const sink = 'pipeline varchar(190) NOT NULL, sink varchar(190) NOT NULL';
    return [
      `CREATE TABLE IF NOT EXISTS ${this.checkpoint} (${sink}, shard int NOT NULL, source varchar(190) NOT NULL,
        fence bigint NOT NULL, position longtext NULL, state longtext NULL, updated_at datetime(6) NULL,
        PRIMARY KEY (pipeline, sink, shard, source)) ${options} COMMENT='Weir: how far each pipeline is, and who may write'`,
      `CREATE TABLE IF NOT EXISTS ${this.tables} (${sink}, source_namespace varchar(190) NOT NULL,
        source_name varchar(190) NOT NULL, target_schema varchar(64) NULL, target_table varchar(64) NULL,
        stopped_code varchar(64) NULL, stopped_message longtext NULL,
        PRIMARY KEY (pipeline, sink, source_namespace, source_name)) ${options}
        COMMENT='Weir: which table belongs to which table of the source, and which are stopped'`,
      `CREATE TABLE IF NOT EXISTS ${this.steps} (${sink}, shard int NOT NULL, place int NOT NULL, step longtext NOT NULL,
        PRIMARY KEY (pipeline, sink, shard, place)) ${options}
        COMMENT='Weir: what is still to be done to tables for commits that happened'`,
    ];
  }

  /** No other engine undoes what was not committed. */
  async #expectInnodb(run: (sql: string) => Promise<Answer>): Promise<void> {
    const { rows } = await run(
      `SELECT table_name, engine FROM information_schema.tables WHERE table_schema = ${literal(this.database)}
        AND table_name IN ('_weir_checkpoint', '_weir_tables', '_weir_steps') AND engine <> 'InnoDB'`,
    );
    if (rows.length === 0) return;
    throw new WeirError('WEIR_MYSQL_ENGINE', `${this.database}.${rows[0]![0]} is in ${rows[0]![1]}, not in InnoDB`);
  }
}
