import { temporaryPostgres } from '@weir/services';
import pg from 'pg';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { typeDefinitions, typeCasesOf } from '../../packages/source-postgres/src/testing/type-cases.ts';

await using server = await temporaryPostgres(); const typeCases = typeCasesOf({ url: server.url, version: 18, extensions: [] }).filter((c) => c.column !== 'some_lists');
const sql = async (db: string, text: string) => {
  const c = new pg.Client(server.url.replace(/postgres$/, db)); await c.connect();
  try { return ((await c.query({ text, rowMode: 'array' })) as any); } finally { await c.end(); }
};
await sql('postgres', 'CREATE DATABASE src'); await sql('postgres', 'CREATE DATABASE dst');
const src = server.url.replace(/postgres$/, 'src'); const dst = server.url.replace(/postgres$/, 'dst');
await sql('src', typeDefinitions(typeCases) + '; CREATE TABLE items (id int primary key)');
const rows = Math.max(...typeCases.map((c) => c.values.length));
await sql('src', `CREATE TABLE kinds (id int PRIMARY KEY, ${typeCases.map((c) => `"${c.column}" ${c.sqlType}`).join(', ')})`);
const one = new pg.Client(src); await one.connect();
for (let i = 0; i < rows; i++) { await one.query(`INSERT INTO kinds VALUES (${i})`); for (const c of typeCases) if (c.values[i]) await one.query(`UPDATE kinds SET "${c.column}" = ${c.values[i]} WHERE id = ${i}`).catch((e) => console.log(c.column, e.message)); }
await one.end();
await sql('src', `CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12,2), note text); ALTER TABLE orders ALTER note SET STORAGE EXTERNAL;
 INSERT INTO orders SELECT n, n*1.25, repeat('x', n % 7 * 700) || n FROM generate_series(1, 20000) n;
 CREATE TABLE log (at timestamptz, what text); ALTER TABLE log REPLICA IDENTITY FULL; INSERT INTO log SELECT now(), 'w' || n % 10 FROM generate_series(1,100) n;`);
const dir = mkdtempSync('/tmp/weir-smoke-');
writeFileSync(`${dir}/weir.yaml`, JSON.stringify({ version: 1, state: `${dir}/state`, http: false, pipelines: { shop: { source: { postgres: { url: src, tables: ['public.*'] } }, sinks: {
  mirror: { postgres: { url: dst } }, history: { postgres: { url: dst }, mode: 'append', target: { schema: 'hist', table: '{table}' } } } } } }));
const weir = (...args: string[]) => { const r = spawnSync(process.execPath, ['--conditions=@weir/source', 'src/main.ts', ...args], { cwd: import.meta.dirname, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } }); console.log('$ weir', args.join(' '), '→', r.status, '\n', r.stdout.slice(-3500), r.stderr.slice(-3000)); return r.status; };
weir('check', `${dir}/weir.yaml`);
weir('plan', `${dir}/weir.yaml`);
weir('run', `${dir}/weir.yaml`, '--until-caught-up');
weir('verify', `${dir}/weir.yaml`);
await sql('src', `UPDATE orders SET total = total + 1 WHERE id % 3 = 0; DELETE FROM orders WHERE id % 11 = 0; UPDATE orders SET id = id + 100000 WHERE id % 500 = 1;
 INSERT INTO orders SELECT n, n, 'new' FROM generate_series(30001, 30100) n; UPDATE log SET what = 'changed' WHERE what = 'w3'; DELETE FROM log WHERE what = 'w4'; INSERT INTO log VALUES (NULL, NULL);
 UPDATE kinds SET id = id + 1000 WHERE id % 2 = 0; ALTER TABLE orders ADD COLUMN city text DEFAULT 'Köln'; UPDATE orders SET city = 'Bonn' WHERE id % 5 = 0; ALTER TABLE orders RENAME COLUMN note TO remark; UPDATE orders SET total = 0 WHERE id = 7;`);
weir('run', `${dir}/weir.yaml`, '--until-caught-up');
weir('verify', `${dir}/weir.yaml`);
console.log((await sql('dst', `SELECT format('%s %s', column_name, data_type) FROM information_schema.columns WHERE table_name = 'kinds' AND table_schema = 'public'`)).rows.join('; '));
console.log((await sql('dst', `SELECT _weir_op, count(*) FROM hist.orders GROUP BY 1`)).rows, (await sql('dst', 'SELECT position, fence, updated_at FROM weir.checkpoint')).rows);
