import type { Wire } from '@weir/postgres';
import type { BatchWriter, Checkpoint, Clock } from '@weir/sdk';
import type { StreamHost } from './stream-host.ts';
import type { StreamProtocol } from './stream-protocol.ts';

export interface ChangeStreamOptions {
  readonly wire: Wire;
  /** Another connection in the place of the one before, which is disposed; for a stream that has to be asked for once more. */
  readonly reconnect?: () => Promise<Wire>;
  readonly clock: Clock;
  readonly slot: string;
  readonly publications: readonly string[];
  /** Where to start: everything that committed below is delivered already. */
  readonly from: bigint;
  /** What the server may forget already; `from` by default. Behind that when what came before is not durable yet. */
  readonly confirmed?: bigint;
  readonly host: StreamHost;
  /** Evaluated when a batch closes, in the order of the stream. */
  readonly checkpoint: (endLsn: bigint) => Checkpoint;
  readonly protocol: StreamProtocol;
  /** Empty; one of its own by default, whose slab is made anew. */
  readonly writer?: BatchWriter;
  /** Where open streamed transactions are kept that do not fit in memory; `os.tmpdir()` by default. */
  readonly spoolDirectory?: string | undefined;
  /** Bytes of memory for open streamed transactions; 16 MiB by default. */
  readonly spoolBytes?: number;
}
