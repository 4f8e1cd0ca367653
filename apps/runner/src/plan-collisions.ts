import { Secret, type CheckResult } from '@weir/sdk';
import type { PipelineConfig, SinkConfig } from './config/config.ts';

/** A database that no other sink can see. */
const IN_MEMORY = ':memory:';

/** A table that would share its target with one of another sink. */
export interface Collision {
  readonly pipeline: string;
  readonly sink: string;
  /** `namespace.name` at the source. */
  readonly table: string;
  readonly result: CheckResult;
}

/** Where the tables of a sink go, of all that `weir plan` knows of it. */
interface PlannedSink {
  readonly sink: string;
  readonly tables: readonly { readonly table: string; readonly target: string }[];
}

/** The tables of which two sinks of a file would write the same target; of each two the later one in the file. */
export function collisions(
  pipelines: readonly PipelineConfig[],
  plans: readonly { readonly sinks: readonly PlannedSink[] }[],
): Collision[] {
  const takenBy = new Map<string, string>();
  const found: Collision[] = [];
  for (const [index, { sinks }] of plans.entries()) {
    const pipeline = pipelines[index]!;
    for (const { sink, tables } of sinks) {
      const own = new Map<string, string>();
      const place = placeOf(pipeline.sinks.find(({ name }) => name === sink)!);
      if (place === null) continue;
      for (const { table, target } of tables) {
        const key = JSON.stringify([place, target]);
        const first = takenBy.get(key);
        if (first === undefined) own.set(key, `table ${table} of sink ${sink} of pipeline ${pipeline.name}`);
        else found.push({ pipeline: pipeline.name, sink, table, result: collision(target, first, pipeline.name) });
      }
      // Names that collide within one sink are that sink's to find: it knows which names are one there.
      for (const [key, who] of own) takenBy.set(key, who);
    }
  }
  return found;
}

function collision(target: string, first: string, pipeline: string): CheckResult {
  return {
    code: 'WEIR_SINK_NAME_COLLISION',
    level: 'error',
    message: `${target} is also where the ${first} goes`,
    fix: `Give one of the two sinks another target, such as \`target: { schema: "${pipeline}_{schema}" }\`.`,
    path: 'target',
  };
}

/**
 * Where a sink writes, to be compared: the files and secrets (URLs, mostly) of its connector's block, or the whole of it
 * when it has none. Null for a place that nobody else can write to.
 */
function placeOf({ connector, config, files }: SinkConfig): string | null {
  const entries = Object.entries(config as object);
  const naming = entries.filter(([key, value]) => files.includes(key) || value instanceof Secret);
  if (naming.some(([, value]) => value === IN_MEMORY)) return null;
  const place = (naming.length > 0 ? naming : entries).map(([key, value]: [string, unknown]) => {
    return [key, value instanceof Secret ? value.reveal() : value] as const;
  });
  return JSON.stringify([connector.name, place.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
