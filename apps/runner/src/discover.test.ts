import { describe, expect, test } from 'vitest';
import { loadConfig } from './config/load.ts';
import { FakeConnectors, FakeSource, ordersTable } from './connectors.fake.ts';
import { discoverSource, type DiscoveredSource } from './discover.ts';
import { TestFolder } from './folder.fake.ts';
import { discoverLines } from './view/discover.ts';

const SHOP = `version: 1
pipelines:
  shop:
    source: { postgres: { url: postgres://db/shop } }
    sinks: { warehouse: { duckdb: { path: ./shop.duckdb } } }
`;

async function discover(change: (source: FakeSource) => void): Promise<DiscoveredSource> {
  using folder = new TestFolder();
  const connectors = new FakeConnectors();
  connectors.onMade = (made) => {
    if (made instanceof FakeSource) change(made);
  };
  const config = loadConfig(folder.file('weir.yaml', SHOP), {}, connectors);
  return await discoverSource(config.pipelines.get('shop')!, new AbortController().signal);
}

const planned = { estimatedRows: 1200, known: false, copy: 'by-key', note: null, problem: null } as const;

describe('discover', () => {
  test('says of each table whether and how it would be captured, and of others why not', async () => {
    const found = await discover((source) => {
      const log = { ...ordersTable, name: 'log', key: [], insertsOnly: true };
      const problem = { code: 'WEIR_PG_REPLICA_IDENTITY', level: 'error', message: 'no key', fix: 'Give it one.' } as const;
      source.plan = async () => ({
        tables: [
          { ...planned, table: ordersTable },
          { ...planned, table: log, copy: 'snapshot', note: 'only its inserts' },
          { ...planned, table: { ...ordersTable, name: 'odd', key: [] }, copy: 'snapshot', problem },
        ],
        removed: [],
        others: [{ table: 'public.report', why: 'a view: its changes are in no log' }],
        changes: [],
      });
    });
    expect(found).toMatchObject({
      pipeline: 'shop',
      connector: 'postgres',
      tables: [
        { table: 'public.orders', key: ['id'], estimatedRows: 1200, captured: 'changes', copy: 'by-key', columns: [{ column: 'id' }] },
        { table: 'public.log', key: [], captured: 'inserts', note: 'only its inserts' },
        { table: 'public.odd', captured: 'refused', problem: { code: 'WEIR_PG_REPLICA_IDENTITY', fix: 'Give it one.' } },
      ],
      others: [{ table: 'public.report' }],
    });
    const text = discoverLines(found).join('\n');
    expect(text).toMatch(/public\.orders +id +1,200 +1 +every change +in chunks, by key\n/);
    expect(text).toMatch(/public\.odd +none +1,200 +1 +refused +in one snapshot\n/);
    expect(text).toContain('public.odd\n  WEIR_PG_REPLICA_IDENTITY: no key\n  fix: Give it one.\n');
    expect(text).toContain('not captured\n  public.report: a view: its changes are in no log');
    expect(discoverLines(found, { verbose: true }).join('\n')).toContain('\n  id  integer → int32, not null\n');
  });

  test('of a source that makes no plans only the tables are known', async () => {
    const { tables, others } = await discover(() => {});
    expect(tables).toMatchObject([{ table: 'public.orders', estimatedRows: null, captured: 'changes', copy: null, problem: null }]);
    expect(others).toEqual([]);
  });
});
