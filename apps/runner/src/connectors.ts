import { duckdbSink } from '@weir/sink-duckdb';
import { mysqlSink } from '@weir/sink-mysql';
import { postgresSink } from '@weir/sink-postgres';
import { mysqlSource } from '@weir/source-mysql';
import { postgresSource } from '@weir/source-postgres';
import type { SinkConnector, SourceConnector } from '@weir/sdk';

/** A connector as the runner knows it. */
export interface Registered<Connector> {
  readonly connector: Connector;
  /** The keys of its block that name files or folders, `tls.ca` for one within another: relative to the file's folder. */
  readonly files: readonly string[];
}

/** The connectors that a configuration may name. */
export interface Connectors {
  readonly sources: readonly Registered<SourceConnector>[];
  readonly sinks: readonly Registered<SinkConnector>[];
}

const TLS_FILES = ['tls.ca', 'tls.cert', 'tls.key'];

export const connectors: Connectors = {
  sources: [
    { connector: mysqlSource, files: TLS_FILES },
    { connector: postgresSource, files: TLS_FILES },
  ],
  sinks: [
    { connector: duckdbSink, files: ['path'] },
    { connector: mysqlSink, files: TLS_FILES },
    { connector: postgresSink, files: TLS_FILES },
  ],
};
