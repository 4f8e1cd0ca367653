// Commits transactions of one row at an even pace, on as many connections as it takes, and tells how long that took.
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { timed } from '../told.ts';

const CONNECTIONS = 8;

const { url, sql, transactions, rate } = JSON.parse(await text(process.stdin)) as {
  url: string;
  sql: string;
  transactions: number;
  /** Transactions a second. */
  rate: number;
};
const clients = Array.from({ length: CONNECTIONS }, () => new pg.Client(url));
for (const client of clients) await client.connect();
await timed(async () => {
  const started = performance.now();
  let next = 0;
  const write = async (client: pg.Client): Promise<void> => {
    for (let number = next++; number < transactions; number = next++) {
      const due = started + (number * 1000) / rate - performance.now();
      if (due >= 1) await sleep(due);
      await client.query(sql);
    }
  };
  await Promise.all(clients.map(write));
  return transactions;
});
for (const client of clients) await client.end();
