/** What is done about an error of one code. */
export interface ErrorPolicy {
  /** Exit code of the command: 1 runtime, 2 usage or configuration, 3 connection or authorization, 4 lost position. */
  readonly exit: 1 | 2 | 3 | 4;
  /**
   * `retry`: tried again with back-off until the budget is spent. `stop`: a person has to act. `stop-at-start`: a person has to
   * act, and before the pipeline has run once it stops at once, since the configuration is wrong; later the same answer means
   * that something changed at the server, so it is tried again like `retry` and goes on once that is mended.
   */
  readonly policy: 'retry' | 'stop' | 'stop-at-start';
  /** What to do, for a person. */
  readonly remedy: string;
}

/**
 * The one table of errors; `docs/errors.md` is generated from it.
 */
export const errorCodes = {
  WEIR_INTERNAL: { exit: 1, policy: 'retry', remedy: 'This is a defect of Weir; nothing was lost. Report it with the log of the minute before.' },
  WEIR_SDK_USE: { exit: 1, policy: 'stop', remedy: 'A connector used the SDK against its contract; the message says how.' },

  WEIR_CONFIG_FILE: { exit: 2, policy: 'stop', remedy: 'Name a file that exists and that you may read.' },
  WEIR_CONFIG_SYNTAX: { exit: 2, policy: 'stop', remedy: 'Correct the YAML at the place named.' },
  WEIR_CONFIG_INVALID: { exit: 2, policy: 'stop', remedy: 'Correct the value at the place named; `weir schema` prints what is allowed.' },
  WEIR_CONFIG_VARIABLE: { exit: 2, policy: 'stop', remedy: 'Set the environment variable, or give a default: ${NAME:default}.' },
  WEIR_USAGE: { exit: 2, policy: 'stop', remedy: 'See `weir --help`.' },

  WEIR_STORE_OPEN: { exit: 1, policy: 'stop', remedy: 'Make the state directory writable for this user.' },
  WEIR_STORE_LOCKED: { exit: 1, policy: 'stop', remedy: 'Another process runs with this state directory; stop it first, or give this one its own `state`.' },
  WEIR_STORE_WRITE: { exit: 1, policy: 'stop', remedy: 'Make room on the disk of the state directory, then start again.' },

  WEIR_RETRY_BUDGET: { exit: 1, policy: 'stop', remedy: 'The same failure came back until the retry budget was spent; mend its cause and start again.' },
  WEIR_SHUTDOWN_TIMEOUT: { exit: 1, policy: 'stop', remedy: 'The drain did not end within shutdown_timeout; what was not committed is delivered at the next start.' },
  WEIR_COUNTERS: { exit: 1, policy: 'stop', remedy: 'Rows in and rows accounted for differ; this is a defect of Weir: stop, verify, report it.' },
  WEIR_TRANSFORM_REJECTED: { exit: 1, policy: 'stop', remedy: 'Mend the transform or the row that it rejects.' },
  WEIR_HTTP_LISTEN: { exit: 3, policy: 'stop', remedy: 'Give `http` a free address, or `false` to do without.' },
  WEIR_NOT_RUNNING: { exit: 1, policy: 'stop', remedy: 'Start the pipeline with `weir run FILE` first.' },
  WEIR_API_REQUEST: { exit: 2, policy: 'stop', remedy: 'Correct the request as the message says.' },
  WEIR_VERIFY_DIFFERENT: { exit: 1, policy: 'stop', remedy: 'Source and sink differ; the keys printed are where to look.' },
  WEIR_DEMO_POSTGRES: { exit: 1, policy: 'stop', remedy: 'The embedded PostgreSQL does not run here; the message says why.' },

  WEIR_TABLE_UNKNOWN: { exit: 2, policy: 'stop', remedy: 'Name a table that the pipeline captures, as schema.table; `weir discover` lists them.' },
  WEIR_TABLE_NO_KEY: { exit: 2, policy: 'stop', remedy: 'A table that is not copied by key can only be copied anew: `weir resync`.' },
  WEIR_COPY_UNSUPPORTED: { exit: 2, policy: 'stop', remedy: 'This source copies tables only at the start: stop the pipeline, `weir reset FILE --sinks`, and start it again.' },
  WEIR_RESET_REFUSED: { exit: 2, policy: 'stop', remedy: 'Say yes: answer the question at a terminal, or give `--yes`.' },
  WEIR_INIT_EXISTS: { exit: 2, policy: 'stop', remedy: 'Name another file, or give `--force` to write over it.' },

  WEIR_SCHEMA_CHANGE: { exit: 4, policy: 'stop', remedy: 'The shape of a table changed and `schema_changes` says stop; allow the change there, then start again.' },
  WEIR_SCHEMA_IGNORED: { exit: 4, policy: 'stop', remedy: 'The table appeared later and `schema_changes` ignores new tables; allow `create` there and copy again to have it.' },
  WEIR_SINK_MODE: { exit: 2, policy: 'stop', remedy: 'The sink’s table was made under another `mode` or `deletes`; change it back, or give the table another name with `target`.' },
  WEIR_SINK_INSERTS_ONLY: { exit: 2, policy: 'stop', remedy: 'The source sends no updates and deletes of this table; give it a key, or deliver it in `mode: append`.' },
  WEIR_SINK_NO_KEY: { exit: 2, policy: 'stop', remedy: 'The sink tells rows apart by their key; give the table one at the source, or leave it out.' },
  WEIR_SINK_TYPE: { exit: 2, policy: 'stop', remedy: 'The sink cannot hold this type as configured; leave the column out, or change the option that the message names.' },
  WEIR_SINK_COLUMN_TYPE: { exit: 2, policy: 'stop', remedy: 'A column of the sink’s table has another type than Weir would give it; alter it, or give the table another name with `target`.' },
  WEIR_SINK_COLUMN_MISSING: { exit: 2, policy: 'stop', remedy: 'The sink’s table lacks a column of the source; add it there, or let `schema_changes` ignore added columns.' },
  WEIR_SINK_COLUMN_REQUIRED: { exit: 2, policy: 'stop', remedy: 'The sink’s table has a column that the source lacks and that must not be NULL; give it a default or let it be NULL.' },
  WEIR_SINK_UNIQUE_INDEX: { exit: 2, policy: 'stop', remedy: 'The sink’s table has a unique index that the source does not have, so rows of the source could be refused; drop it.' },
  WEIR_SINK_NAME_LENGTH: { exit: 2, policy: 'stop', remedy: 'A name is longer than the sink allows; shorten it with `target`, or leave the table out.' },
  WEIR_SINK_NAME_COLLISION: { exit: 2, policy: 'stop', remedy: 'Two names of the source are one name at the sink; tell them apart with `target`, or leave one out.' },
  WEIR_SINK_COLUMNS: { exit: 2, policy: 'stop', remedy: 'The table has more columns than the sink allows; leave some out.' },

  WEIR_PGOUTPUT_DAMAGED: { exit: 1, policy: 'retry', remedy: 'A replication message could not be read; the stream is opened again from the last checkpoint.' },
  WEIR_PGOUTPUT_UNSUPPORTED: { exit: 1, policy: 'stop', remedy: 'The server sent a replication message of a protocol version that was not asked for.' },

  WEIR_BINLOG_DAMAGED: { exit: 1, policy: 'retry', remedy: 'An event of the binary log could not be read; the log is opened again from the last checkpoint.' },
  WEIR_BINLOG_UNSUPPORTED: { exit: 1, policy: 'stop', remedy: 'The server wrote something in a form that cannot be read; the message says what, and what to do.' },
  WEIR_BINLOG_ROW_IMAGE: { exit: 2, policy: 'stop', remedy: "SET PERSIST binlog_row_image = 'FULL'; on the server (MariaDB: SET GLOBAL, and in its configuration), then copy the table again." },
  WEIR_BINLOG_INCIDENT: { exit: 4, policy: 'stop', remedy: 'The server says that its binary log lacks changes; copy all tables again from it as it is now.' },
  WEIR_BINLOG_GTID: { exit: 2, policy: 'stop', remedy: 'Write GTIDs as the server does: uuid:1-5,uuid:tag:1-3 on MySQL, domain-server-sequence on MariaDB.' },

  WEIR_PG_CONNECT: { exit: 3, policy: 'retry', remedy: 'Check host, port and that the server runs and accepts connections from here.' },
  WEIR_PG_HOST: { exit: 3, policy: 'stop-at-start', remedy: 'Correct the host name in `url`; no name server knows it.' },
  WEIR_PG_AUTH: { exit: 3, policy: 'stop-at-start', remedy: 'Correct user or password in `url`, or the server’s pg_hba.conf.' },
  WEIR_PG_DATABASE: { exit: 3, policy: 'stop-at-start', remedy: 'Correct the database name in `url`.' },
  WEIR_PG_TLS: { exit: 3, policy: 'stop-at-start', remedy: 'Set `tls` to match the server, or give its certificate authority.' },
  WEIR_PG_TLS_FILE: { exit: 3, policy: 'stop-at-start', remedy: 'Correct the path in `tls`: PEM files that this user may read, and the key of that certificate.' },
  WEIR_PG_CHANNEL_BINDING: { exit: 3, policy: 'stop-at-start', remedy: 'Use password_encryption scram-sha-256 and TLS up to the server itself, or set channel_binding: disable.' },
  WEIR_PG_PASSFILE: { exit: 3, policy: 'stop-at-start', remedy: 'Make the password file readable for its owner only: chmod 600 FILE.' },
  WEIR_PG_PASSWORD_COMMAND: { exit: 3, policy: 'stop-at-start', remedy: 'Run the command by hand, as the same user: it has to print the password, one line, within 30 s.' },
  WEIR_PG_POOLER: { exit: 3, policy: 'stop-at-start', remedy: 'Name the direct address of the server in `url`; a pooler does not replicate, and shares sessions.' },
  WEIR_PG_NO_TARGET: { exit: 3, policy: 'retry', remedy: 'Correct the hosts in `url` or `target_session_attrs`; after a failover Weir waits for the new primary.' },
  WEIR_PG_CONNECTIONS_FULL: { exit: 3, policy: 'retry', remedy: 'ALTER SYSTEM SET max_connections = …; and restart the server, or end connections that nobody uses.' },
  WEIR_PG_CONNECTION_LOST: { exit: 3, policy: 'retry', remedy: 'The server closed the connection; Weir connects again.' },
  WEIR_PG_QUERY: { exit: 1, policy: 'retry', remedy: 'The server refused a statement; its message is above.' },
  WEIR_PG_SPOOL: { exit: 1, policy: 'retry', remedy: 'Make room in the folder that the message names, or lower the size of open transactions; nothing was lost, and the server sends them again.' },
  WEIR_PG_VERSION: { exit: 3, policy: 'stop', remedy: 'Use PostgreSQL 14 or later.' },
  WEIR_PG_STANDBY: { exit: 3, policy: 'stop-at-start', remedy: 'Name the primary in `url`: publications are made there, and a standby before PostgreSQL 16 decodes nothing.' },
  WEIR_PG_WAL_LEVEL: { exit: 3, policy: 'stop', remedy: "ALTER SYSTEM SET wal_level = 'logical'; then restart the server." },
  WEIR_PG_SLOTS_FULL: { exit: 3, policy: 'stop', remedy: "ALTER SYSTEM SET max_replication_slots = …; and restart, or SELECT pg_drop_replication_slot('…'); of one that nobody uses." },
  WEIR_PG_SENDERS_FULL: { exit: 3, policy: 'retry', remedy: 'ALTER SYSTEM SET max_wal_senders = …; and restart the server, or end a replication connection that nobody uses.' },
  WEIR_PG_GRANT_REPLICATION: { exit: 3, policy: 'stop-at-start', remedy: 'ALTER ROLE … REPLICATION;' },
  WEIR_PG_GRANT_SELECT: { exit: 3, policy: 'stop', remedy: 'GRANT SELECT ON … TO …;' },
  WEIR_PG_GRANT_PUBLICATION: { exit: 3, policy: 'stop', remedy: 'Let the owner of the tables create the publication, and name it in `publication`.' },
  WEIR_PG_TABLES_NONE: { exit: 2, policy: 'stop', remedy: 'Correct `tables`: no table of the database matches.' },
  WEIR_PG_TABLE_UNKNOWN: { exit: 2, policy: 'stop', remedy: 'Correct the name in the configuration, as the catalog has it; parts with capitals need no quotes.' },
  WEIR_PG_TABLE_KIND: { exit: 2, policy: 'stop', remedy: 'Only logged tables have changes to capture; name the tables behind a view, and leave the others out.' },
  WEIR_PG_COLUMNS: { exit: 2, policy: 'stop', remedy: 'Correct `columns`: name columns of the table that the server can stream.' },
  WEIR_PG_ROW_FILTER: { exit: 2, policy: 'stop', remedy: 'Correct `rows`: a condition in SQL on columns of the table, with built-in immutable functions only.' },
  WEIR_PG_REPLICA_IDENTITY: { exit: 2, policy: 'stop', remedy: 'Give the table a primary key, or ALTER TABLE … REPLICA IDENTITY USING INDEX …;' },
  WEIR_PG_SLOT_IN_USE: { exit: 3, policy: 'retry', remedy: 'Another process reads this slot; stop it, or give this pipeline its own `slot`.' },
  WEIR_PG_SLOT_FOREIGN: { exit: 2, policy: 'stop', remedy: 'The slot has another plugin or database, or two_phase on; give this pipeline its own `slot`.' },
  WEIR_PG_SLOT_LOST: { exit: 4, policy: 'stop', remedy: 'The changes since the checkpoint are gone; set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_SLOT_INVALIDATED: { exit: 4, policy: 'stop', remedy: 'The server gave up the slot; raise max_slot_wal_keep_size there, and set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_SLOT_ADVANCED: { exit: 4, policy: 'stop', remedy: 'Another reader moved the slot past the checkpoint, or it was made again; set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_SLOT_ABANDONED: { exit: 3, policy: 'stop', remedy: 'Nobody reads this slot, and the server keeps log for it; drop it if its pipeline is no more.' },
  WEIR_PG_RETAINED_WAL: { exit: 1, policy: 'stop', remedy: 'Raise `max_retained_wal` and start again, so that the pipeline can catch up; look why a sink is slow.' },
  WEIR_PG_SLOT_DROPPED: { exit: 4, policy: 'stop', remedy: 'The slot kept more log than `max_retained_wal` and `on_exceed` says drop_slot; set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_SYSTEM_CHANGED: { exit: 4, policy: 'stop', remedy: 'This is another server than the checkpoint’s; connect to the right one, or set `on_lost_position: resnapshot` at the source to copy all tables from this one.' },
  WEIR_PG_DATABASE_CHANGED: { exit: 4, policy: 'stop', remedy: 'This is another database of the server than the checkpoint’s; correct the name in `url`, or give this one a pipeline of its own.' },
  WEIR_PG_LOG_BEHIND: { exit: 4, policy: 'stop', remedy: 'The server was put back to an older copy of itself; set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_EPOCH: { exit: 4, policy: 'stop', remedy: 'A start with `on_lost_position: resnapshot` was cut short; set that at the source again, so that it can be completed.' },
  WEIR_PG_RESNAPSHOT: { exit: 1, policy: 'retry', remedy: 'All tables are copied again, as `on_lost_position` says; nothing has to be done.' },
  WEIR_PG_FAILOVER: { exit: 2, policy: 'stop', remedy: 'Failover slots need PostgreSQL 17 or later; leave `failover` out.' },
  WEIR_PG_TIMELINE_CHANGED: { exit: 4, policy: 'stop', remedy: 'The server was restored or promoted, and may lack what the sinks have; set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_PUBLICATION_OPTIONS: { exit: 2, policy: 'stop', remedy: 'Let the publication publish inserts, updates, deletes and truncates, via the partition root.' },
  WEIR_PG_PUBLICATION_MISSING: { exit: 4, policy: 'stop', remedy: 'The publication was dropped, so changes were lost; set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_PUBLICATION_CHANGED: { exit: 4, policy: 'stop', remedy: 'The publication is another than at the checkpoint, so changes may have been lost; set `on_lost_position: resnapshot` at the source to copy all tables again.' },
  WEIR_PG_ARRAY_BOUNDS: { exit: 1, policy: 'stop', remedy: 'Leave the table out, or store its arrays with a lower bound of 1.' },
  WEIR_PG_LOCKED: { exit: 1, policy: 'retry', remedy: 'Another session locks a table for long; Weir tries again.' },
  WEIR_PG_TABLE_REWRITTEN: { exit: 1, policy: 'retry', remedy: 'A table was rewritten while it was being copied; the copy starts again.' },
  WEIR_PG_CHECKPOINT: { exit: 4, policy: 'stop', remedy: 'The checkpoint was not written by this version; copy again from scratch.' },
  WEIR_PG_FENCED: { exit: 1, policy: 'stop', remedy: 'Another runner took over this sink; this one changes nothing more.' },
  WEIR_PG_READ_ONLY: { exit: 3, policy: 'stop-at-start', remedy: 'Let the role write: ALTER ROLE … SET default_transaction_read_only = off;' },
  WEIR_PG_GRANT_WRITE: { exit: 3, policy: 'stop', remedy: 'Grant the role what the message names: CREATE on the database, or the ownership of schema and tables.' },
  WEIR_PG_TABLE_EXISTS: { exit: 2, policy: 'stop', remedy: 'A table that Weir did not make has that name; rename it, or set `target`.' },
  WEIR_PG_DIVERGED: { exit: 1, policy: 'stop', remedy: 'Somebody changed the mirrored table. Set `on_error: stop_table` at the sink and start: only this table stops, and `weir resync FILE TABLE` starts it over.' },
  WEIR_PG_VALUE: { exit: 1, policy: 'stop', remedy: 'A value does not fit the type of its column in the sink; the message names the column.' },
  WEIR_PG_CONSTRAINT: { exit: 2, policy: 'stop', remedy: 'A constraint or trigger that somebody put on the sink’s table refuses rows of the source; drop it.' },
  WEIR_PG_DEPENDENT: { exit: 2, policy: 'stop', remedy: 'A view or another object depends on the sink’s table as it was; drop it, and make it again afterwards.' },

  WEIR_DUCKDB_LOCKED: { exit: 3, policy: 'retry', remedy: 'Another process has the file open (readers too); close it. While `weir run` is up ask through it: `weir sql`.' },
  WEIR_DUCKDB_OPEN: { exit: 3, policy: 'stop', remedy: 'Correct `path`: its folder must exist and be writable, and the file must be a DuckDB database.' },
  WEIR_DUCKDB_FENCED: { exit: 1, policy: 'stop', remedy: 'Another runner took over this sink; this one changes nothing more.' },
  WEIR_DUCKDB_TABLE_EXISTS: { exit: 2, policy: 'stop', remedy: 'A table that Weir did not make has that name; rename it, or set `target`.' },
  WEIR_DUCKDB_VALUE: { exit: 1, policy: 'stop', remedy: 'A value does not fit the type of its column in DuckDB; the message names the column.' },
  WEIR_DUCKDB_DIVERGED: { exit: 1, policy: 'stop', remedy: 'Somebody changed the mirrored table. Set `on_error: stop_table` at the sink and start: only this table stops, and `weir resync FILE TABLE` starts it over.' },
  WEIR_DUCKDB_SYNC: { exit: 1, policy: 'stop', remedy: 'The disk failed to keep what was written, so nothing is tried again. See to the disk, then start again.' },
  WEIR_DUCKDB_MEMORY: { exit: 1, policy: 'retry', remedy: 'DuckDB needs more memory for this file than it may take: raise `memory_limit` at the sink, or `buffer_bytes` of the pipeline.' },
  WEIR_DUCKDB_QUERY: { exit: 1, policy: 'retry', remedy: 'DuckDB refused a statement; its message is above.' },
} as const;

/** A stable error code: `WEIR_<AREA>_<WHAT>`. */
export type ErrorCode = keyof typeof errorCodes;
