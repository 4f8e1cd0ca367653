import { tableName, type Batch, type Table } from '@weir/sdk';
import { KeyComparison, type DifferingKey } from './verify-difference.ts';
import { BUCKETS, TableDigest, differingBuckets, differingColumns } from './verify-digest.ts';
import { DuplicateCounter } from './verify-duplicates.ts';
import { RowHasher } from './verify-row.ts';

export type { DifferingKey } from './verify-difference.ts';

/** How a table of the source and its mirror in a sink compare. */
export interface TableVerdict {
  /** `namespace.name` */
  readonly table: string;
  readonly sourceRows: number;
  readonly sinkRows: number;
  /** Columns whose values differ as a whole; none when the same values merely stand in other rows. */
  readonly differentColumns: readonly string[];
  /** Rows whose key another row has already; 0 in a table without a key. */
  readonly sourceDuplicates: number;
  readonly sinkDuplicates: number;
  /** The first 10 keys that differ, in an order of Weir's own that is always the same. */
  readonly differingKeys: readonly DifferingKey[];
  /** True when both hold the same rows, each as often. */
  readonly equal: boolean;
}

/** Reads all rows of one side as `read` rows with canonical cells, in any order; called again for each pass. */
export type Scan = (signal: AbortSignal) => AsyncIterable<Batch>;

export interface VerifyOptions {
  /** Bound on the memory of what is remembered about keys, in bytes; 64 MiB unless told (invariant 8). */
  readonly memoryBytes?: number;
}

const DEFAULT_MEMORY_BYTES = 64 << 20;
const KEYS_SHOWN = 10;
/** What one key costs in a comparison, its text included, in bytes; on the safe side. */
const ENTRY_BYTES = 1024;

/**
 * Compares a table of a source with its mirror, row by row, in bounded memory. Both sides must stand still meanwhile.
 *
 * A side is read once when its keys fit in the memory (8 bytes each), again for each further part of the keys, and twice
 * more when something differs, to name the keys. Equality is by hashes: a difference goes unseen with a chance of 2^-64.
 * Releases every batch.
 * @throws WeirError WEIR_SDK_USE when a scan gives anything but read rows; whatever a scan throws, and the signal's reason
 */
export async function verifyTable(
  table: Table,
  source: Scan,
  sink: Scan,
  signal: AbortSignal,
  options: VerifyOptions = {},
): Promise<TableVerdict> {
  const memoryBytes = options.memoryBytes ?? DEFAULT_MEMORY_BYTES;
  const counter = table.key.length === 0 ? null : new DuplicateCounter(memoryBytes);
  const ofSource = await digest(table, source, counter, signal);
  const ofSink = await digest(table, sink, counter, signal);
  const buckets = differingBuckets(ofSource.digest, ofSink.digest);
  const sinkDuplicates = await countDuplicates(table, sink, counter, ofSink.counted, signal);
  // Where both hold the same rows, both hold the same duplicates: no need to read the source for them again.
  const sourceDuplicates =
    buckets.length === 0 ? sinkDuplicates : await countDuplicates(table, source, counter, ofSource.counted, signal);
  const limit = Math.max(1, Math.floor(memoryBytes / ENTRY_BYTES));
  const comparison = new KeyComparison(table, bucketsToShow(buckets, ofSource.digest, ofSink.digest, limit), limit);
  return {
    table: tableName(table),
    sourceRows: ofSource.digest.rows,
    sinkRows: ofSink.digest.rows,
    differentColumns: differingColumns(table, ofSource.digest, ofSink.digest),
    sourceDuplicates,
    sinkDuplicates,
    differingKeys: buckets.length === 0 ? [] : await findKeys(comparison, source, sink, signal),
    equal: buckets.length === 0,
  };
}

interface Counted {
  duplicates: number;
  end: number;
}

async function digest(
  table: Table,
  scan: Scan,
  counter: DuplicateCounter | null,
  signal: AbortSignal,
): Promise<{ digest: TableDigest; counted: Counted }> {
  const result = new TableDigest(table);
  counter?.start(0);
  const seen = counter === null ? () => {} : (high: number, low: number) => counter.add(high, low);
  await eachBatch(scan, signal, (batch) => result.add(batch, seen));
  return { digest: result, counted: counter === null ? { duplicates: 0, end: BUCKETS } : counter.finish() };
}

/** Counts what the first pass had no memory for. */
async function countDuplicates(
  table: Table,
  scan: Scan,
  counter: DuplicateCounter | null,
  counted: Counted,
  signal: AbortSignal,
): Promise<number> {
  let { duplicates, end } = counted;
  const hasher = new RowHasher(table);
  while (counter !== null && end < BUCKETS) {
    counter.start(end);
    await eachBatch(scan, signal, (batch) => {
      hasher.use(batch);
      for (let row = 0; row < batch.rows; row++) {
        hasher.hashRowKey(row);
        counter.add(hasher.key[0]!, hasher.key[1]!);
      }
    });
    const pass = counter.finish();
    duplicates += pass.duplicates;
    end = pass.end;
  }
  return duplicates;
}

/** Every differing bucket holds a differing key at least, so the first ones hold as many as are shown, or as fit. */
function bucketsToShow(differing: readonly number[], source: TableDigest, sink: TableDigest, limit: number): number[] {
  const chosen: number[] = [];
  let rows = 0;
  for (const bucket of differing.slice(0, KEYS_SHOWN)) {
    rows += source.bucketRows[bucket]! + sink.bucketRows[bucket]!;
    if (chosen.length > 0 && rows > limit) break;
    chosen.push(bucket);
  }
  return chosen;
}

async function findKeys(comparison: KeyComparison, source: Scan, sink: Scan, signal: AbortSignal): Promise<DifferingKey[]> {
  await eachBatch(source, signal, (batch) => comparison.addSource(batch));
  await eachBatch(sink, signal, (batch) => comparison.addSink(batch));
  return comparison.differing().slice(0, KEYS_SHOWN);
}

async function eachBatch(scan: Scan, signal: AbortSignal, visit: (batch: Batch) => void): Promise<void> {
  signal.throwIfAborted();
  for await (const batch of scan(signal)) {
    try {
      signal.throwIfAborted();
      visit(batch);
    } finally {
      batch.release();
    }
  }
  signal.throwIfAborted();
}
