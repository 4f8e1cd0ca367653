import { WeirError, type Sink, type Source } from '@weir/sdk';
import { parsePath, pathText, pathWithin, type Config, type SinkConfig, type SourceConfig } from './config/config.ts';

type Block = Pick<SourceConfig | SinkConfig, 'path' | 'place'>;

/** A source whose errors say where in the configuration they come from. Once a session is open it speaks for itself. */
export function locateSource(source: Source, block: Block): Source {
  return {
    open: (from, signal, reach) => located(block, () => source.open(from, signal, reach)),
    head: (signal) => located(block, () => source.head(signal)),
    discover: (signal) => located(block, () => source.discover(signal)),
    check: (signal) => source.check(signal),
    scan: (table, signal) => source.scan(table, signal),
    ...(source.reader && { reader: () => source.reader!() }),
    ...(source.plan && { plan: (signal) => located(block, () => source.plan!(signal)) }),
    ...(source.reset && { reset: (signal) => located(block, () => source.reset!(signal)) }),
  };
}

/** A sink whose errors say where in the configuration they come from; what it cannot do it still cannot. */
export function locateSink(sink: Sink, block: Block): Sink {
  return {
    open: (shard, signal) => located(block, () => sink.open(shard, signal)),
    check: (signal) => sink.check(signal),
    ...(sink.forget && { forget: (shard, signal) => located(block, () => sink.forget!(shard, signal)) }),
    ...(sink.plan && { plan: (tables, signal) => located(block, () => sink.plan!(tables, signal)) }),
    ...(sink.scan && { scan: (table, signal) => sink.scan!(table, signal) }),
    ...(sink.reader && { reader: () => sink.reader!() }),
    ...(sink.query && { query: (sql, limit, signal) => located(block, () => sink.query!(sql, limit, signal)) }),
  };
}

/** An error of the engine with its place: its paths begin at the top of the file. */
export function locateFailure(error: WeirError, placeOf: Config['place']): WeirError {
  const { path } = error;
  if (error.place !== undefined || path === undefined || !path.startsWith('pipelines.')) return error;
  const { code, message, fix, table } = error;
  return new WeirError(code, message, { fix, path, place: placeOf(parsePath(path)), table, cause: error });
}

async function located<T>(block: Block, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof WeirError && error.place === undefined ? place(error, block) : error;
  }
}

/** Only errors with a path are about the configuration; the others are about the world. */
function place(error: WeirError, block: Block): WeirError {
  if (error.path === undefined) return error;
  const path = pathWithin(block.path, error.path);
  return new WeirError(error.code, error.message, {
    fix: error.fix,
    path: pathText(path),
    place: block.place(path),
    table: error.table,
    cause: error,
  });
}
