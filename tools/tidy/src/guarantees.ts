/** What is said of an invariant by hand; see `docs/guarantees.md`. */
export interface Guarantee {
  readonly number: number;
  /** How it is held, line by line. */
  readonly held: readonly string[];
  /** The files that would break it; each cites it. */
  readonly enforced: readonly string[];
  /** What it does not promise, and why; a line that begins with spaces goes on with the one before. */
  readonly limits: readonly string[];
}

export const guarantees: readonly Guarantee[] = [
  {
    number: 1,
    held: [
      'One function orders every commit: the sink makes rows and checkpoint durable, then the source is told, with the earliest',
      'checkpoint of all sinks. An idle source’s step goes through the sinks as an empty batch before it is confirmed.',
    ],
    enforced: ['packages/engine/src/commit.ts', 'packages/engine/src/attempt.ts'],
    limits: [
      'A disk that loses what it said it had written (a write cache without power protection) loses rows with it. Sinks ask for',
      '  durability (`synchronous_commit = on`, a checkpointed file); what the hardware makes of it is not theirs.',
      'Confirmations come after commits, some milliseconds later: after a crash the server sends again what was not confirmed.',
    ],
  },
  {
    number: 2,
    held: ['A position is (LSN of the commit, number of the row in its transaction); a checkpoint is the end of a commit.'],
    enforced: ['packages/source-postgres/src/position.ts', 'packages/pgoutput/src/transaction.ts'],
    limits: [
      'The order is that of commits in the source’s log. Two rows of different tables that one statement changed come in the order',
      '  in which the server logged them, which no SQL defines.',
      'Rows of a copy have no order among each other: they are the state at one moment.',
    ],
  },
  {
    number: 3,
    held: ['A lane commits only at a checkpoint, and a source gives checkpoints only between transactions.'],
    enforced: ['packages/engine/src/lane.ts', 'packages/sdk/src/batch.ts'],
    limits: [
      'While a table is copied its parts are from different moments: it is whole when the stream has come by the end of its last round.',
      'Several transactions may be committed at once. A reader may miss a state that lay between; it sees none that never was.',
      'Two sinks are not at the same place at the same time.',
    ],
  },
  {
    number: 4,
    held: ['Every attempt asks the sinks where they are, and starts the source from the earliest; what a sink has is dropped.'],
    enforced: ['packages/engine/src/commit.ts', 'packages/engine/src/lane.ts'],
    limits: [
      'A sink that is put back to a backup has the checkpoint of that moment: if the source still has the log it goes on from',
      '  there, otherwise it is refused (6).',
      'No connector of this version keeps its checkpoint in the store (classes C and D), though the engine and its tests know them.',
    ],
  },
  {
    number: 5,
    held: [
      'Opening a session takes the fence, then reads. The checkpoint’s row is changed only `WHERE fence = mine`, in the transaction',
      'of the rows: who lost the fence changes no row of it, and everything else is rolled back with it.',
    ],
    enforced: [
      'packages/sink-duckdb/src/checkpoint.ts',
      'packages/sink-mysql/src/checkpoint.ts',
      'packages/sql-sink/src/session.ts',
      'packages/sink-postgres/src/checkpoint.ts',
    ],
    limits: [
      'A process that holds a DuckDB file and stands still (SIGSTOP) keeps it: DuckDB’s lock goes with the process. It has to be ended.',
      'Who writes to a mirror beside Weir is not fenced off; `weir verify` finds it, `weir repair` mends it.',
    ],
  },
  {
    number: 6,
    held: [
      'A checkpoint that leads to no next change is refused, with a code and what to do. Only `on_lost_position` lets a pipeline',
      'begin anew, in the next epoch, and says so for good.',
    ],
    enforced: [
      'packages/source-postgres/src/slot.ts',
      'packages/source-postgres/src/capture/publication.ts',
      'packages/source-postgres/src/server-identity.ts',
      'packages/source-postgres/src/lost-position.ts',
    ],
    limits: [
      'With `resnapshot` a wrong `url` is copied from like a right one.',
      'What PostgreSQL’s log does not say is looked for every 2 s in the catalog: until then a mirror is as it was.',
      'What changed behind a lost position is in no stream: a history has the rows of the new copy, not the changes.',
    ],
  },
  {
    number: 7,
    held: [
      'Every row that comes in is counted to one place. The sums are compared before every commit; a difference of one ends the',
      'attempt (`WEIR_COUNTERS`). A range of keys that is copied takes away what it does not hold.',
    ],
    enforced: ['packages/engine/src/row-counters.ts', 'packages/engine/src/lane-record.ts', 'packages/sdk/src/batch.ts'],
    limits: [
      'Counters begin with the process; over restarts the checkpoint is the account.',
      'A row that the source’s publication or row filter leaves out never came in.',
    ],
  },
  {
    number: 8,
    held: [
      'Batches count against a budget in bytes until every sink has written them; who has no room is not read from. Transactions',
      'that the server streams before they end go to a file beyond 16 MiB.',
    ],
    enforced: [
      'packages/engine/src/byte-budget.ts',
      'packages/source-postgres/src/stream/stream-spool.ts',
      'packages/postgres/src/batch-channel.ts',
    ],
    limits: [
      'One row is held whole, and DuckDB needs several times its size while it writes one: see the sink’s page for its numbers.',
      'Files of the spool are as large as the transactions that are open.',
      'Node’s own heap, and DuckDB’s memory for queries of others, are beside the budget.',
    ],
  },
  {
    number: 9,
    held: [
      'A cell is the source’s own text, in one canonical form whether it was copied or streamed. Sinks make their values from those',
      'bytes, and read back what they hold as the same bytes.',
    ],
    enforced: [
      'packages/postgres/src/copy-text.ts',
      'packages/pgoutput/src/message-reader.ts',
      'packages/sink-duckdb/src/encode.ts',
      'packages/sink-mysql/src/encode.ts',
      'packages/sink-postgres/src/encode.ts',
    ],
    limits: [
      'A sink’s type may hold less: `weir plan` says for which column, and a value that does not fit is refused, never rounded.',
      'See [types](types.md) for what is not carried over.',
    ],
  },
  {
    number: 10,
    held: ['Secrets are values that print as `***`; messages of servers are shown without their DETAIL, which quotes rows.'],
    enforced: [
      'packages/sdk/src/secret.ts',
      'packages/postgres/src/connection/server-error.ts',
      'apps/runner/src/log.ts',
    ],
    limits: [
      'Key values of rows are shown to who asks for them: `weir verify` names keys that differ, `weir sql` answers rows.',
      'A secret that stands in the configuration as plain text is in that file.',
    ],
  },
  {
    number: 11,
    held: ['A sink says its class, how it keeps it and where that ends; `weir plan` prints it, and the contract runs for that class.'],
    enforced: ['packages/sdk/src/connector.ts'],
    limits: ['What stands behind a sink, such as a replica of it that lags, has guarantees of its own.'],
  },
];
