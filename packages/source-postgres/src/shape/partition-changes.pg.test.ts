import { describe, expect, test } from 'vitest';
import { tellStory } from '../testing/schema-story.ts';
import { useTestServer } from '../testing/test-server.ts';

const server = useTestServer();

const visits = `
  CREATE TABLE visits (id int, day date, n int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
  CREATE TABLE visits_2023 PARTITION OF visits FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
  CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  INSERT INTO visits VALUES (1, '2023-05-01', 1), (2, '2024-05-01', 2)`;
const range2025 = "FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')";

describe('rows of the whole come and go without an event, so it is copied again', { timeout: 120_000 }, () => {
  test('when a table is attached', async () => {
    const { live, late } = await tellStory(server, {
      before: `${visits}; CREATE SCHEMA aside; CREATE TABLE aside.visits_2025 (id int, day date, n int, PRIMARY KEY (id, day));
               INSERT INTO aside.visits_2025 VALUES (3, '2025-05-01', 3)`,
      statements: [
        `ALTER TABLE visits ATTACH PARTITION aside.visits_2025 ${range2025}`,
        "UPDATE visits SET n = 30 WHERE id = 3; INSERT INTO visits VALUES (4, '2025-06-01', 4)",
      ],
    });
    expect(live).toEqual(['public.visits create again']);
    expect(late).toEqual(live);
  });

  test('when one is made, filled and attached in one transaction', async () => {
    const { live, late } = await tellStory(server, {
      before: `${visits}; CREATE SCHEMA aside`,
      statements: [
        `BEGIN; CREATE TABLE aside.visits_2025 (id int, day date, n int, PRIMARY KEY (id, day));
         INSERT INTO aside.visits_2025 VALUES (3, '2025-05-01', 3);
         ALTER TABLE visits ATTACH PARTITION aside.visits_2025 ${range2025}; COMMIT`,
      ],
    });
    expect(live).toEqual(['public.visits create again']);
    expect(late).toEqual(live);
  });

  test('when a partition is detached, changed, and attached again', async () => {
    const { resumed } = await tellStory(server, {
      before: visits,
      statements: [
        'ALTER TABLE visits DETACH PARTITION visits_2024',
        `UPDATE visits_2024 SET n = 99;
         ALTER TABLE visits ATTACH PARTITION visits_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')`,
      ],
      config: { tables: ['public.visits', 'public.beat'] },
    });
    expect(resumed).toBeGreaterThan(0);
  });

  test('when a partition is truncated, and its keys come again at once', async () => {
    const { live } = await tellStory(server, {
      before: visits,
      statements: ["TRUNCATE visits_2024; INSERT INTO visits VALUES (2, '2024-05-01', 20)"],
    });
    expect(live).toEqual(['public.visits create again']);
  });

  test('when a partition is dropped', async () => {
    const { live, late } = await tellStory(server, { before: visits, statements: ['DROP TABLE visits_2023'] });
    expect(live).toEqual(['public.visits create again']);
    expect(late).toEqual(live);
  });

  test('when all are truncated, which cannot be told from each of them', async () => {
    const { resumed } = await tellStory(server, {
      before: visits,
      statements: ["TRUNCATE visits; INSERT INTO visits VALUES (2, '2024-05-01', 20)"],
    });
    expect(resumed).toBeGreaterThan(0);
  });

  test('when a partition of a partition is truncated', async () => {
    const { live } = await tellStory(server, {
      before: `${visits}; CREATE TABLE visits_2025 PARTITION OF visits ${range2025} PARTITION BY LIST (id)`,
      statements: [
        'CREATE TABLE visits_2025_1 PARTITION OF visits_2025 FOR VALUES IN (1)',
        "INSERT INTO visits VALUES (1, '2025-01-01', 1)",
        'TRUNCATE visits_2025_1',
      ],
    });
    expect(live).toEqual(['public.visits create again']);
  });
});

describe('the whole goes on', { timeout: 120_000 }, () => {
  test('with partitions that are made as such: all their rows come through the stream', async () => {
    const { live, late } = await tellStory(server, {
      before: visits,
      statements: [
        `CREATE TABLE visits_2025 PARTITION OF visits ${range2025}; INSERT INTO visits VALUES (3, '2025-05-01', 3)`,
        "UPDATE visits SET day = '2025-07-01' WHERE id = 1",
        `CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (id);
         CREATE TABLE visits_2026_1 PARTITION OF visits_2026 FOR VALUES IN (1, 2); INSERT INTO visits VALUES (1, '2026-01-01', 5)`,
      ],
    });
    expect([live, late]).toEqual([[], []]);
  });

  test('with columns that are added, renamed and dropped', async () => {
    const { live, late } = await tellStory(server, {
      before: visits,
      statements: [
        "ALTER TABLE visits ADD page text DEFAULT 'home'; INSERT INTO visits VALUES (3, '2024-07-01', 3)",
        'ALTER TABLE visits RENAME n TO hits; UPDATE visits SET hits = 10 WHERE id = 1',
        'ALTER TABLE visits ADD place int DEFAULT 6, DROP page; DELETE FROM visits WHERE id = 2',
      ],
    });
    expect(live).toEqual([
      'public.visits add page = home',
      'public.visits rename hits from n',
      'public.visits add place = 6',
      'public.visits drop page',
    ]);
    // The default of a column that is gone is known to nobody, nor does anybody need it.
    expect(late).toEqual(live.with(0, 'public.visits add page = null'));
  });

  test('until a type changes', async () => {
    const { live } = await tellStory(server, {
      before: visits,
      statements: ['ALTER TABLE visits ALTER n TYPE bigint; INSERT INTO visits VALUES (3, $$2024-07-01$$, 9007199254740993)'],
    });
    expect(live).toEqual(['public.visits create again']);
  });
});

describe('leaves that are captured each for itself', { timeout: 120_000 }, () => {
  test('come when they are attached and stay when they are detached', async () => {
    const { live } = await tellStory(server, {
      before: `${visits}; CREATE SCHEMA aside; CREATE TABLE aside.visits_2025 (id int, day date, n int, PRIMARY KEY (id, day));
               INSERT INTO aside.visits_2025 VALUES (3, '2025-05-01', 3)`,
      statements: [
        `ALTER TABLE visits ATTACH PARTITION aside.visits_2025 ${range2025}; INSERT INTO visits VALUES (4, '2025-06-01', 4)`,
        'ALTER TABLE visits DETACH PARTITION visits_2023; UPDATE visits_2023 SET n = 7; TRUNCATE visits_2024',
      ],
      config: { partitions: 'leaves' },
    });
    expect(live).toEqual(['aside.visits_2025 create new']);
  });
});
