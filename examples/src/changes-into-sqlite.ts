// Keeps orders of a PostgreSQL database in an SQLite file, exactly once: each change and its token are one transaction.
// DATABASE_URL=postgres://… node --conditions=@weir/source examples/src/changes-into-sqlite.ts [FILE]
import { DatabaseSync } from 'node:sqlite';
import { postgres } from '@weir/source-postgres';

/** The columns of public.orders that this program knows. */
interface Order {
  id: bigint;
  customer: string;
  total: string;
}

const db = new DatabaseSync(process.argv[2] ?? './orders.sqlite');
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer TEXT, total TEXT);
         CREATE TABLE IF NOT EXISTS token (one INTEGER PRIMARY KEY CHECK (one = 1), token TEXT)`);
const put = db.prepare('INSERT OR REPLACE INTO orders (id, customer, total) VALUES (?, ?, ?)');
const remove = db.prepare('DELETE FROM orders WHERE id = ?');
const removeRange = db.prepare('DELETE FROM orders WHERE (?1 IS NULL OR id > ?1) AND (?2 IS NULL OR id <= ?2)');
const saveToken = db.prepare('INSERT OR REPLACE INTO token VALUES (1, ?)');
const saved = db.prepare('SELECT token FROM token').get()?.['token'] as string | undefined;

const source = postgres({ url: process.env['DATABASE_URL']!, tables: ['public.orders'] }, { pipeline: 'orders' });
await using changes = source.changes<{ 'public.orders': Order }>({ from: saved, signal: untilStopped() });

for await (const change of changes) {
  db.exec('BEGIN');
  switch (change.op) {
    case 'insert':
    case 'read':
      put.run(change.after.id, change.after.customer, change.after.total);
      break;
    case 'update':
      // `before` is there when the key changed; `after` lacks what did not change and is large, which these columns are not.
      remove.run(change.before?.id ?? change.after.id!);
      put.run(change.after.id!, change.after.customer!, change.after.total!);
      break;
    case 'delete':
      remove.run(change.before.id!);
      break;
    case 'truncate':
      db.exec('DELETE FROM orders');
      break;
    case 'range':
      // The rows that are there follow. A copy that was killed may have left others here.
      removeRange.run(change.after?.id ?? null, change.upTo?.id ?? null);
      break;
    case 'schema':
      if (change.change.change === 'create') db.exec('DELETE FROM orders');
      break;
    case 'checkpoint':
      break;
  }
  saveToken.run(change.token);
  db.exec('COMMIT');
  await changes.confirm(change.token);
}
db.close();

/** Aborts at Ctrl-C, and ends the loop with it. */
function untilStopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
