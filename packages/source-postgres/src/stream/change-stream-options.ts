import type { BatchWriter, Checkpoint, Clock } from '@weir/sdk';
import type { LogReader } from './log-reader.ts';
import type { StreamHost } from './stream-host.ts';

export interface ChangeStreamOptions {
  /** Not started. Who makes it disposes of it. */
  readonly reader: LogReader;
  readonly clock: Clock;
  /** Where to start: everything that committed below is delivered already. */
  readonly from: bigint;
  /** What the server may forget already; `from` by default. Behind that when what came before is not durable yet. */
  readonly confirmed?: bigint;
  readonly host: StreamHost;
  /** Evaluated when a batch closes, in the order of the stream. */
  readonly checkpoint: (endLsn: bigint) => Checkpoint;
  /** Empty; one of its own by default, whose slab is made anew. */
  readonly writer?: BatchWriter;
  /** Where open streamed transactions are kept that do not fit in memory; `os.tmpdir()` by default. */
  readonly spoolDirectory?: string | undefined;
  /** Bytes of memory for open streamed transactions; 16 MiB by default. */
  readonly spoolBytes?: number;
}
