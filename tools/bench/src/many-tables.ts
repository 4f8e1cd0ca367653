import type { Load } from './backlog.ts';

const TRANSACTIONS = 100;
const COLUMNS = '(id bigserial PRIMARY KEY, customer int, status text, amount numeric(10, 2), at timestamptz, note text)';

/**
 * The rows of `orders`, in a hundred transactions, spread evenly over tables: each transaction has as many rows of each.
 * @param rows rounded up to a multiple of the tables and transactions
 */
export function spread(rows: number, tables: number): Load {
  const each = Math.ceil(rows / TRANSACTIONS / tables);
  const insert = `INSERT INTO orders_%s (customer, status, amount, at, note)
    SELECT i %% 977, ''shipped'', (i %% 500) + 0.99, ''2025-03-01 12:34:56.789012+00'',
           ''note on order '' || i || repeat(''.'', 20) FROM generate_series(1, ${each}) i`;
  const everyTable = (sql: string): string =>
    `DO $$ BEGIN FOR number IN 1..${tables} LOOP EXECUTE format('${sql}', number); END LOOP; END $$`;
  return {
    create: everyTable(`CREATE TABLE orders_%s ${COLUMNS}`),
    transactions: Array.from({ length: TRANSACTIONS }, () => everyTable(insert)),
    rows: each * tables * TRANSACTIONS,
    table: 'orders_1',
    kept: each * TRANSACTIONS,
  };
}
