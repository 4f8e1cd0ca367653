import { verifyTable, type TableStop, type TableVerdict } from '@weir/engine';
import { tableName, WeirError, type Sink, type SinkOptions, type Source, type Table, type TableReader } from '@weir/sdk';

/** A sink to be compared. */
export interface VerifiedSink {
  readonly name: string;
  readonly sink: Sink;
  readonly mode: SinkOptions['mode'];
  /** Tables that are stopped there: they differ, as they should. */
  readonly stopped: readonly TableStop[];
}

/** Whether one sink holds what the source holds. */
export interface SinkVerdict {
  readonly sink: string;
  /** The tables that were compared, in the order in which the source names them. */
  readonly tables: readonly TableVerdict[];
  /** The tables that were left out since they are stopped there. */
  readonly stopped: readonly TableStop[];
  /** Of all that was compared; null when nothing could be. */
  readonly equal: boolean | null;
  /** Why nothing was compared; null when something was. */
  readonly note: string | null;
}

/**
 * Compares every table of a source with each sink, row by row. Both are read as they are now: a source that is written
 * to meanwhile, or a sink that is behind, differs. Rows that `deletes: soft` marked are as if they were not there.
 * @param onTable called after each table, to show progress
 * @throws WeirError WEIR_USAGE when a sink cannot be read back
 */
export async function verifyPipeline(
  source: Source,
  sinks: readonly VerifiedSink[],
  signal: AbortSignal,
  onTable: (sink: string, verdict: TableVerdict) => void = () => undefined,
): Promise<SinkVerdict[]> {
  const tables = await source.discover(signal);
  await using reader = readerOf(source, (table, inner) => source.scan(table, inner));
  const verdicts: SinkVerdict[] = [];
  for (const verified of sinks) {
    const { name, mode } = verified;
    if (mode === 'append') {
      const note = 'not compared: `mode: append` keeps a history, not what the source holds now';
      verdicts.push({ sink: name, tables: [], stopped: [], equal: null, note });
    } else {
      verdicts.push(await verifyMirror(reader, verified, tables, signal, (verdict) => onTable(name, verdict)));
    }
  }
  return verdicts;
}

async function verifyMirror(
  source: TableReader,
  { name, sink, stopped }: VerifiedSink,
  tables: readonly Table[],
  signal: AbortSignal,
  onTable: (verdict: TableVerdict) => void,
): Promise<SinkVerdict> {
  const scan = sink.scan?.bind(sink);
  if (scan === undefined) {
    throw new WeirError('WEIR_USAGE', `the sink ${name} cannot be read back, so there is nothing to compare`);
  }
  await using mirror = readerOf(sink, scan);
  const compared: TableVerdict[] = [];
  for (const table of tables) {
    if (stopped.some((stop) => stop.table === tableName(table))) continue;
    const verdict = await verifyTable(
      table,
      (inner) => source.scan(table, inner),
      (inner) => mirror.scan(table, inner),
      signal,
    );
    onTable(verdict);
    compared.push(verdict);
  }
  return { sink: name, tables: compared, stopped, equal: compared.every(({ equal }) => equal), note: null };
}

/** A reader of its own, or one that opens for each table what it needs. */
function readerOf(side: Pick<Source | Sink, 'reader'>, scan: TableReader['scan']): TableReader {
  return side.reader?.() ?? { scan, [Symbol.asyncDispose]: async () => {} };
}
