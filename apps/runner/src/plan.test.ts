import { WeirError, type Table } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { loadConfig } from './config/load.ts';
import { FakeConnectors, FakeSink, FakeSource, ordersTable } from './connectors.fake.ts';
import { TestFolder } from './folder.fake.ts';
import { planPipelines, type PipelinePlan } from './plan.ts';
import { planLines } from './view/plan.ts';
import { textWidth } from './view/text-width.ts';

const SHOP = `version: 1
pipelines:
  shop:
    source:
      postgres: { url: postgres://app:hunter22@db/shop }
    sinks:
      warehouse:
        duckdb: { path: ./shop.duckdb }
        target: { schema: "{schema}" }
        on_error: stop_table
`;

const lines: Table = {
  ...ordersTable,
  name: 'order_lines',
  columns: [
    ...ordersTable.columns,
    { name: 'total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sourceType: 'numeric(12,2)' },
    { name: 'shape', type: { kind: 'other' }, nullable: true, sourceType: 'geometry' },
  ],
};

type Change = (made: FakeSource | FakeSink) => void;

/** Plans a file whose sources and sinks are as the test has them. */
async function plan(text: string, change: Change = () => {}, runningPid: number | null = null): Promise<PipelinePlan[]> {
  using folder = new TestFolder();
  const connectors = new FakeConnectors();
  connectors.onMade = change;
  const config = loadConfig(folder.file('weir.yaml', text), {}, connectors);
  return await planPipelines(config, [...config.pipelines.values()], runningPid, new AbortController().signal);
}

function placesOf({ findings }: PipelinePlan): string[] {
  return findings.map(({ code, table, line, column, path }) => `${line}:${column} ${code} ${table} ${path}`);
}

/** A second pipeline or sink beside the one of {@link SHOP}. */
function withPipeline(sink: string): string {
  return `${SHOP}  other:
    source:
      postgres: { url: postgres://app:hunter22@elsewhere/shop }
    sinks:
      copy:
${sink}`;
}

describe('plan', () => {
  test('says what each table of the source becomes, how it is delivered and by which policies', async () => {
    const [shop] = await plan(SHOP, (made) => {
      if (made instanceof FakeSource) made.tables = [ordersTable, { ...lines, insertsOnly: true, key: [] }];
    });
    expect(shop).toMatchObject({
      pipeline: 'shop',
      source: {
        connector: 'postgres',
        tables: [
          { table: 'public.orders', key: ['id'], insertsOnly: false, columns: [{ column: 'id', logicalType: 'int32' }] },
          { table: 'public.order_lines', key: [], insertsOnly: true },
        ],
      },
      sinks: [
        {
          sink: 'warehouse',
          connector: 'duckdb',
          delivery: { class: 'A' },
          mode: 'mirror',
          deletes: 'hard',
          onError: 'stop_table',
          schemaChanges: { add: 'apply', 'drop-table': 'ignore' },
          tables: [
            { table: 'public.orders', target: 'public.orders', action: 'create', columns: [{ column: 'id', sinkType: 'TEXT' }] },
            { table: 'public.order_lines', action: 'create' },
          ],
        },
      ],
      findings: [],
    });
  });

  test('says what is made and copied at the source, what is not captured any more, and which rights are missing', async () => {
    const [shop] = await plan(SHOP, (made) => {
      if (made instanceof FakeSink) {
        made.actions.set('public.orders', 'use');
        made.refusals.set('public.order_lines', { code: 'WEIR_PG_GRANT_WRITE', level: 'error', message: 'no', fix: 'GRANT CREATE …;' });
      }
      if (!(made instanceof FakeSource)) return;
      const planned = { estimatedRows: 9, known: true, copy: 'by-key', note: null, problem: null } as const;
      made.findings = [{ code: 'WEIR_PG_GRANT_SELECT', level: 'error', message: 'may not', fix: 'GRANT SELECT ON public.orders TO app;' }];
      made.plan = async () => ({
        tables: [
          { ...planned, table: ordersTable },
          { ...planned, table: lines, known: false, copy: 'snapshot' },
          { ...planned, table: { ...ordersTable, name: 'new_at_sink' } },
        ],
        removed: ['public.old'],
        others: [],
        changes: ['ALTER PUBLICATION weir_shop DROP TABLE ONLY public.old;'],
      });
    });
    expect(shop!.source).toMatchObject({
      tables: [
        { table: 'public.orders', estimatedRows: 9, copy: 'known' },
        { table: 'public.order_lines', copy: 'snapshot' },
        { table: 'public.new_at_sink', copy: 'by-key' },
      ],
      removed: ['public.old'],
    });
    expect(shop!.grants).toEqual(['GRANT SELECT ON public.orders TO app;', 'GRANT CREATE …;']);
    const text = planLines('weir.yaml', shop!).join('\n');
    expect(text).toContain('  go on as they are: public.orders\n');
    expect(text).toContain('  copied by key, in chunks beside the stream: public.new_at_sink\n');
    expect(text).toContain('  not captured any more, their rows stay at the sinks: public.old\n');
    expect(text).toContain('  at the source: ALTER PUBLICATION weir_shop DROP TABLE ONLY public.old;\n');
    expect(text).toContain('to be granted by their owners\n  GRANT SELECT ON public.orders TO app;\n  GRANT CREATE …;\n');
  });

  test('a refusal has its table and its place, also where a sink names an option beside its block', async () => {
    const [shop] = await plan(SHOP, (made) => {
      if (made instanceof FakeSource) made.tables = [ordersTable, lines];
      if (made instanceof FakeSource) made.findings = [{ code: 'WEIR_PG_WAL_LEVEL', level: 'error', message: 'low', path: 'url' }];
      if (!(made instanceof FakeSink)) return;
      made.refusals.set('public.orders', { code: 'WEIR_SINK_NAME_LENGTH', level: 'error', message: 'long', path: 'target.table' });
      made.refusals.set('public.order_lines', { code: 'WEIR_SINK_TYPE', level: 'error', message: 'no geometry', fix: 'Leave it out.' });
    });
    expect(placesOf(shop!)).toEqual([
      '5:24 WEIR_PG_WAL_LEVEL null pipelines.shop.source.postgres.url',
      '9:9 WEIR_SINK_NAME_LENGTH public.orders pipelines.shop.sinks.warehouse.target.table',
      '8:9 WEIR_SINK_TYPE public.order_lines pipelines.shop.sinks.warehouse.duckdb',
    ]);
    expect(shop!.sinks[0]!.tables.map(({ action }) => action)).toEqual(['refuse', 'refuse']);
  });

  test('a source that cannot be reached is a finding, told once', async () => {
    const gone = () => new WeirError('WEIR_PG_CONNECT', 'refused', { path: 'url' });
    const [shop] = await plan(SHOP, (made) => {
      if (made instanceof FakeSource) made.failures.push(gone(), gone());
    });
    expect(placesOf(shop!)).toEqual(['5:24 WEIR_PG_CONNECT null pipelines.shop.source.postgres.url']);
    expect(shop!.sinks[0]!.tables).toEqual([]);
  });

  test('a sink that the running process holds is a warning, and the others are planned', async () => {
    const two = SHOP.replace('    sinks:\n', '    sinks:\n      search: { kafka: { brokers: [a] } }\n');
    const [shop] = await plan(
      two,
      (made) => {
        const isDuckdb = made instanceof FakeSink && made.options?.onError === 'stop_table';
        if (isDuckdb) made.planFailure = new WeirError('WEIR_DUCKDB_LOCKED', 'locked', { path: 'path' });
      },
      4711,
    );
    expect(shop!.findings).toMatchObject([
      { part: 'sink warehouse', level: 'warning', message: 'in use by the running weir, process 4711' },
    ]);
    const known = { table: 'public.orders', target: 'public.orders' };
    expect(shop!.sinks.map(({ tables }) => tables)).toMatchObject([
      [{ ...known, action: 'create' }],
      [{ ...known, action: 'unknown', columns: [] }],
    ]);
    expect(planLines('weir.yaml', shop!, { width: 80 }).join('\n')).toContain('public.orders  public.orders  unknown');
  });

  test('the same failure is an error when nothing runs', async () => {
    const [shop] = await plan(SHOP, (made) => {
      if (made instanceof FakeSink) made.planFailure = new WeirError('WEIR_DUCKDB_LOCKED', 'locked');
    });
    expect(shop!.findings).toMatchObject([{ code: 'WEIR_DUCKDB_LOCKED', level: 'error', table: null }]);
  });
});

describe('two sinks of a file', () => {
  test('that write one target of one place: the later is refused, by name of the first', async () => {
    const [shop, other] = await plan(withPipeline('        duckdb: { path: shop.duckdb, threads: 2 }\n        mode: append\n'));
    expect(shop!.findings).toEqual([]);
    expect(other!.findings).toMatchObject([
      {
        code: 'WEIR_SINK_NAME_COLLISION',
        part: 'sink copy',
        table: 'public.orders',
        message: 'public.orders is also where the table public.orders of sink warehouse of pipeline shop goes',
        fix: 'Give one of the two sinks another target, such as `target: { schema: "other_{schema}" }`.',
        path: 'pipelines.other.sinks.copy.target',
        line: 15,
      },
    ]);
    expect(other!.sinks[0]!.tables).toMatchObject([{ action: 'refuse' }]);
  });

  test('of one pipeline collide as well', async () => {
    const both = SHOP.replace('    sinks:\n', '    sinks:\n      first: { duckdb: { path: ./shop.duckdb } }\n');
    const [shop] = await plan(both);
    expect(placesOf(shop!)).toEqual(['10:9 WEIR_SINK_NAME_COLLISION public.orders pipelines.shop.sinks.warehouse.target']);
  });

  test.each([
    ['another file', '        duckdb: { path: ./other.duckdb }\n'],
    ['another target', '        duckdb: { path: ./shop.duckdb }\n        target: { schema: copy }\n'],
    ['another connector', '        kafka: { brokers: [a] }\n'],
  ])('with %s do not', async (_, sink) => {
    const plans = await plan(withPipeline(sink));
    expect(plans.flatMap(({ findings }) => findings)).toEqual([]);
  });

  test('in memory do not: each has a database of its own', async () => {
    const inMemory = withPipeline('        duckdb: { path: ":memory:" }\n').replace('./shop.duckdb', '":memory:"');
    expect((await plan(inMemory)).flatMap(({ findings }) => findings)).toEqual([]);
  });
});

describe('the view', () => {
  test('has a line for each table, and columns with something to say below, in 80 columns', async () => {
    const [shop] = await plan(SHOP, (made) => {
      if (made instanceof FakeSource) made.tables = [ordersTable, lines];
      if (!(made instanceof FakeSink)) return;
      const message = 'DuckDB has no type for geometry, and the column would have to be left out of the table there';
      made.refusals.set('public.order_lines', { code: 'WEIR_SINK_TYPE', level: 'error', message, fix: 'Leave it out.' });
    });
    const shown = planLines('weir.yaml', shop!, { width: 80 });
    expect(`\n${shown.join('\n')}\n`).toBe(`
shop: source (postgres)  2 tables

shop → warehouse (duckdb)
  mirror, hard deletes; schema changes: apply; on error: stop_table
  class A: memory; limit: this process

table               target              action  columns
──────────────────  ──────────────────  ──────  ───────
public.orders       public.orders       create        1
public.order_lines  public.order_lines  refuse        3

public.order_lines
  total  numeric(12,2) → decimal(12, 2) → TEXT
         kept as text
  shape  geometry → other → none
  error    WEIR_SINK_TYPE at weir.yaml:8:9
           (pipelines.shop.sinks.warehouse.duckdb)
           DuckDB has no type for geometry, and the column would have to be left
           out of the table there
           fix: Leave it out.
`);
    for (const line of shown) expect(textWidth(line)).toBeLessThanOrEqual(80);
  });

  test('shows every column when asked to, and each policy where they differ', async () => {
    const some = SHOP.replace('on_error: stop_table', 'schema_changes: { add: stop }\n        mode: append');
    const [shop] = await plan(some);
    const shown = planLines('weir.yaml', shop!, { verbose: true }).join('\n');
    expect(shown).toContain('public.orders\n  id  integer → int32 → TEXT');
    expect(shown).toContain('append; schema changes: create: apply, add: stop, drop: apply');
  });
});
