import type { PipelineStatus, SinkStatus } from '@weir/engine';
import { Counter, Gauge, Registry } from 'prom-client';
import type { RuntimeStatus } from '../runtime-status.ts';

type Labels = Record<string, string>;
type Sample = readonly [labels: Labels, value: number | null];

interface Definition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Labels beside `pipeline` and `sink`. */
  readonly labels?: readonly string[];
  /** A sample of null is left out. */
  samples(sink: SinkStatus, pipeline: PipelineStatus): Iterable<Sample>;
}

const one = (value: number | null): Sample[] => [[{}, value]];
const seconds = (milliseconds: number | null): number | null => (milliseconds === null ? null : milliseconds / 1000);

/** The metrics of a sink's lane; the names are a contract with dashboards. */
const definitions: readonly Definition[] = [
  { name: 'weir_rows_in_total', type: 'counter', help: 'Rows read from the source.', samples: ({ rows }) => one(rows.in) },
  {
    name: 'weir_rows_delivered_total',
    type: 'counter',
    help: 'Rows whose checkpoint the sink has committed.',
    samples: ({ rows }) => one(rows.delivered),
  },
  {
    name: 'weir_rows_filtered_total',
    type: 'counter',
    help: 'Rows that a transform left out, or whose table is stopped at the sink.',
    labels: ['transform'],
    samples: ({ rows }) => one(rows.filtered),
  },
  {
    name: 'weir_rows_skipped_total',
    type: 'counter',
    help: 'Rows left out since a copied chunk holds them.',
    samples: ({ rows }) => one(rows.skipped),
  },
  {
    name: 'weir_rows_replayed_total',
    type: 'counter',
    help: 'Rows that this sink had committed before.',
    samples: ({ rows }) => one(rows.replayed),
  },
  {
    name: 'weir_rows_same_total',
    type: 'counter',
    help: 'Rows of a repair that this sink had as they are.',
    samples: ({ rows }) => one(rows.same),
  },
  {
    name: 'weir_dead_letters_total',
    type: 'counter',
    help: 'Rows set aside as dead letters.',
    samples: ({ rows }) => one(rows.deadLetters),
  },
  {
    name: 'weir_events_total',
    type: 'counter',
    help: 'Delivered rows by operation and table of the source.',
    labels: ['op', 'table'],
    samples: ({ events }) =>
      Object.entries(events).flatMap(([table, ops]) => Object.entries(ops).map(([op, rows]): Sample => [{ op, table }, rows])),
  },
  {
    name: 'weir_schema_changes_total',
    type: 'counter',
    help: 'Changes of tables’ shapes, and what became of them at the sink.',
    labels: ['change', 'action'],
    samples: ({ schemaChangeTotals }) =>
      Object.entries(schemaChangeTotals).flatMap(([change, actions]) =>
        Object.entries(actions).map(([action, changes]): Sample => [{ change, action }, changes]),
      ),
  },
  {
    name: 'weir_stopped_tables',
    type: 'gauge',
    help: 'Tables whose rows the sink no longer takes.',
    samples: ({ stoppedTables }) => one(stoppedTables.length),
  },
  {
    name: 'weir_lag_seconds',
    type: 'gauge',
    help: 'From commit at the source to durable at the sink.',
    samples: ({ lagMs }) => one(seconds(lagMs)),
  },
  {
    name: 'weir_lag_bytes',
    type: 'gauge',
    help: 'Log of the source that is not yet confirmed.',
    samples: (_, { source }) => one(source.lagBytes),
  },
  {
    name: 'weir_slot_retained_bytes',
    type: 'gauge',
    help: 'Log that the server keeps for this pipeline.',
    samples: (_, { source }) => one(source.retainedBytes ?? source.lagBytes),
  },
  {
    name: 'weir_slot_retained_limit_bytes',
    type: 'gauge',
    help: 'How much log the server may keep for this pipeline; absent without a bound.',
    samples: (_, { source }) => one(source.retainedLimitBytes ?? null),
  },
  {
    name: 'weir_catching_up',
    type: 'gauge',
    help: '1 while the source is so far behind that it reads past the stream; absent where sources do not.',
    samples: (_, { source }) => one(source.isCatchingUp === undefined ? null : Number(source.isCatchingUp)),
  },
  {
    name: 'weir_queue_bytes',
    type: 'gauge',
    help: 'Bytes that wait for the sink.',
    samples: ({ queueBytes }) => one(queueBytes),
  },
  {
    name: 'weir_checkpoint_seconds',
    type: 'gauge',
    help: 'Duration of the last commit.',
    samples: ({ commitMs, commits }) => one(commits > 0 ? seconds(commitMs) : null),
  },
  {
    name: 'weir_up',
    type: 'gauge',
    help: '1 while the pipeline runs, 0 while it starts, retries, drains or has ended.',
    samples: (_, { state }) => one(state === 'running' ? 1 : 0),
  },
];

/** The metrics of this status, in Prometheus' text format. */
export async function renderMetrics(status: RuntimeStatus): Promise<{ contentType: string; text: string }> {
  const registry = new Registry();
  for (const definition of definitions) register(registry, definition, status);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

function register(registry: Registry, definition: Definition, status: RuntimeStatus): void {
  const { name, help, type, labels = [] } = definition;
  const options = { name, help, labelNames: ['pipeline', 'sink', ...labels], registers: [registry] };
  const metric = type === 'counter' ? new Counter(options) : new Gauge(options);
  for (const pipeline of status.pipelines) {
    for (const [sinkName, sink] of Object.entries(pipeline.sinks)) {
      for (const [extra, value] of definition.samples(sink, pipeline)) {
        const none = Object.fromEntries(labels.map((label) => [label, '']));
        if (value !== null) metric.inc({ pipeline: pipeline.name, sink: sinkName, ...none, ...extra }, value);
      }
    }
  }
}
