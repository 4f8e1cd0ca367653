import { verifyTable, type TableVerdict } from '@weir/engine';
import { WeirError, type Sink, type Source } from '@weir/sdk';

/** Whether one sink holds what the source holds. */
export interface SinkVerdict {
  readonly sink: string;
  /** In the order in which the source names its tables. */
  readonly tables: readonly TableVerdict[];
  readonly equal: boolean;
}

/**
 * Compares every table of a source with each sink, row by row. Both are read as they are now: a source that is written
 * to meanwhile, or a sink that is behind, differs.
 * @param onTable called after each table, to show progress
 * @throws WeirError WEIR_USAGE when a sink cannot be read back
 */
export async function verifyPipeline(
  source: Source,
  sinks: ReadonlyMap<string, Sink>,
  signal: AbortSignal,
  onTable: (sink: string, verdict: TableVerdict) => void = () => undefined,
): Promise<SinkVerdict[]> {
  const tables = await source.discover(signal);
  const verdicts: SinkVerdict[] = [];
  for (const [name, sink] of sinks) {
    if (sink.scan === undefined)
      throw new WeirError('WEIR_USAGE', `the sink ${name} cannot be read back, so there is nothing to compare`);
    const compared: TableVerdict[] = [];
    for (const table of tables) {
      const verdict = await verifyTable(
        table,
        (inner) => source.scan(table, inner),
        (inner) => sink.scan!(table, inner),
        signal,
      );
      onTable(name, verdict);
      compared.push(verdict);
    }
    verdicts.push({ sink: name, tables: compared, equal: compared.every(({ equal }) => equal) });
  }
  return verdicts;
}
