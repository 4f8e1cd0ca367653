import { WeirError } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { checkPipeline, firstError } from './check.ts';
import { loadConfig } from './config/load.ts';
import { FakeConnectors, FakeSink, FakeSource } from './connectors.fake.ts';
import { TestFolder } from './folder.fake.ts';
import { findingLines } from './view/finding.ts';

const SHOP = `version: 1
pipelines:
  shop:
    source:
      postgres:
        url: x
        tables: [public.a, public.b]
    sinks:
      warehouse:
        duckdb: { path: ./shop.duckdb }
`;

/** Checks a pipeline whose source and sink say what the test has them say. */
async function check(change: (source: FakeSource, sink: FakeSink) => void, runningPid: number | null = null) {
  using folder = new TestFolder();
  const connectors = new FakeConnectors();
  connectors.onMade = (made) => {
    if (made instanceof FakeSource) change(made, new FakeSink());
    else change(new FakeSource(0), made);
  };
  const config = loadConfig(folder.file('weir.yaml', SHOP), {}, connectors);
  return await checkPipeline(config, config.pipelines.get('shop')!, runningPid, new AbortController().signal);
}

describe('check', () => {
  test('all is well', async () => {
    const findings = await check(() => {});
    expect(firstError(findings)).toBeNull();
    expect(findingLines('weir.yaml', findings)).toEqual([
      'shop: source (postgres)',
      '  ok       connected',
      'shop: sink warehouse (duckdb)',
      '  ok       writable',
    ]);
  });

  test('a finding has its place in the file', async () => {
    const findings = await check((source, sink) => {
      source.findings = [
        { code: 'WEIR_PG_TABLES_NONE', level: 'error', message: 'nothing matches', fix: 'Correct it.', path: 'tables[1]' },
        { code: 'WEIR_PG_WAL_LEVEL', level: 'warning', message: 'low' },
      ];
      sink.findings = [{ code: 'WEIR_DUCKDB_OPEN', level: 'error', message: 'no folder', path: 'path' }];
    });
    expect(findings.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
      '7:28 pipelines.shop.source.postgres.tables[1]',
      '5:7 pipelines.shop.source.postgres',
      '10:25 pipelines.shop.sinks.warehouse.duckdb.path',
    ]);
    expect(firstError(findings)).toMatchObject({ finding: { code: 'WEIR_PG_TABLES_NONE' }, exit: 2 });
    expect(findingLines('weir.yaml', findings, { width: 40 }).slice(0, 7)).toEqual([
      'shop: source (postgres)',
      '  error    WEIR_PG_TABLES_NONE at weir.yaml:7:28',
      '           (pipelines.shop.source.postgres.tables[1])',
      '           nothing matches',
      '           fix: Correct it.',
      '  warning  WEIR_PG_WAL_LEVEL at weir.yaml:5:7',
      '           (pipelines.shop.source.postgres)',
    ]);
  });

  test('a check that throws has found an error; a code of a connector’s own exits with 3', async () => {
    const thrown = await check((source) =>
      source.failures.push(new WeirError('WEIR_PG_AUTH', 'wrong password', { path: 'url' })),
    );
    expect(thrown[0]).toMatchObject({ code: 'WEIR_PG_AUTH', level: 'error', line: 6, column: 14 });
    const own = await check((_, sink) => (sink.findings = [{ code: 'ELSEWHERE', level: 'error', message: 'no' }]));
    expect(firstError(own)?.exit).toBe(3);
  });

  test('what the running process holds is no problem', async () => {
    const locked = (_: FakeSource, sink: FakeSink) => {
      sink.findings = [{ code: 'WEIR_DUCKDB_LOCKED', level: 'error', message: 'locked' }];
    };
    expect(firstError(await check(locked))).not.toBeNull();
    const excused = await check(locked, 4711);
    expect(firstError(excused)).toBeNull();
    expect(excused[1]).toMatchObject({ level: 'warning', message: 'in use by the running weir, process 4711' });
  });
});
