import type { Client } from 'pg';
import { MARKER_SCHEMA, SHOP_CONSTRAINTS, SHOP_TABLES, descriptionText, productKey } from './shop-schema.ts';

/** How many rows of each kind; lines follow from the orders, 2.9 each on average. */
export interface ShopSize {
  readonly customers: number;
  readonly products: number;
  readonly orders: number;
}

/** About 200,000 rows. */
export const DEMO_SIZE: ShopSize = { customers: 20_000, products: 5_000, orders: 45_000 };

/** Raised when the shop's shape changes, so that an older one is made again. */
const VERSION = 1;
/** Any number that nobody else takes; two fills of one database must not run at once. */
const FILL_LOCK = 0x77656972;

/** True when the database holds a whole shop of this version. */
export async function isShopFilled(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ found: string | null }>(`SELECT to_regclass('weir_demo.shop')::text AS found`);
  if (rows[0]?.found == null) return false;
  const marked = await client.query('SELECT 1 FROM weir_demo.shop WHERE version = $1', [VERSION]);
  return marked.rowCount === 1;
}

/**
 * Makes the shop where it is missing, the same rows every time. All of it is one transaction with its marker: a fill that
 * is interrupted leaves nothing.
 * @returns false when the shop was there
 */
export async function fillShop(client: Client, size: ShopSize = DEMO_SIZE): Promise<boolean> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [FILL_LOCK]);
    const missing = !(await isShopFilled(client));
    if (missing) await fill(client, size);
    await client.query('COMMIT');
    return missing;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function fill(client: Client, size: ShopSize): Promise<void> {
  await client.query(`SET LOCAL timezone = 'UTC'; SELECT setseed(0.314159)`);
  await client.query(MARKER_SCHEMA);
  await client.query(SHOP_TABLES);
  await client.query(customersSql(size));
  await client.query(productsSql(size));
  await client.query(linesSql(size));
  await client.query(ordersSql(size));
  await client.query('INSERT INTO order_lines SELECT * FROM new_lines ORDER BY order_id, line; DROP TABLE new_lines');
  await client.query(SHOP_CONSTRAINTS);
  await client.query(`SELECT setval(pg_get_serial_sequence('customers', 'id'), ${size.customers}),
    setval(pg_get_serial_sequence('orders', 'id'), ${size.orders})`);
  await client.query('DELETE FROM weir_demo.shop');
  await client.query('INSERT INTO weir_demo.shop VALUES ($1, now())', [VERSION]);
}

/** SQL text for one of these texts, by chance. */
function oneOf(texts: readonly string[]): string {
  const list = texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(',');
  return `(ARRAY[${list}])[1 + floor(random() * ${texts.length})::int]`;
}

const FIRST_NAMES = ['Ada', 'Zoë', 'José', 'Łukasz', '李雷', 'Ægir', 'Søren', 'Олена', 'Nguyễn', 'D’Arcy', 'मीरा', 'Ian 🚀'];
const LAST_NAMES = ['Meyer', 'O’Neill', 'Müller-Lüdenscheidt', 'Иванова', 'Ångström', 'Ñandú', '王', 'da Silva'];
const COUNTRIES = ['DE', 'FR', 'PL', 'DK', 'ES', 'VN', 'UA', 'CN', 'IN', 'GB'];
const THINGS = ['Teapot', 'Café table', 'Lamp „Nora“', 'Cushion', 'Regal Björn', 'Mug 茶', 'Rug', 'Clock', 'Bottle 500 ml'];
const COLOURS = ['red', 'grün', 'bleu', 'черный', '白', 'plain'];
const TAGS = ['sale', 'new', 'fragile', 'outdoor', 'kitchen', 'it has, a comma', 'a "quote"', 'bücher'];
const NOTES = ['Leave at the door', 'Geschenk 🎁', 'Rückseite klingeln', 'line one\nline two', '', 'a \\, a "quote"'];

function customersSql({ customers }: ShopSize): string {
  return `INSERT INTO customers
    SELECT n, ${oneOf(FIRST_NAMES)} || ' ' || ${oneOf(LAST_NAMES)}, 'customer' || n || '@shop.example', ${oneOf(COUNTRIES)},
      timestamptz '2023-01-01Z' + random() * interval '700 days',
      jsonb_build_object('newsletter', random() < 0.4, 'points', floor(random() * 5000), 'rate', round(random()::numeric, 6),
        'theme', ${oneOf(['light', 'dark', 'système'])}, 'sizes', jsonb_build_array(n % 7, null, 'M'))
    FROM generate_series(1, ${customers}) AS n`;
}

function productsSql({ products }: ShopSize): string {
  return `INSERT INTO products
    SELECT ${productKey('n')}, 'SKU-' || lpad(n::text, 6, '0'), ${oneOf(THINGS)} || ' ' || ${oneOf(COLOURS)},
      round((1 + random() * 400)::numeric, 2), random() * 30, ARRAY[${oneOf(TAGS)}, ${oneOf(TAGS)}], ${descriptionText('n')}
    FROM generate_series(1, ${products}) AS n`;
}

/** One to five lines an order, in a temporary table: an order's total comes before its lines can. */
function linesSql({ orders, products }: ShopSize): string {
  return `CREATE TEMPORARY TABLE new_lines ON COMMIT DROP AS
    SELECT n::bigint AS order_id, line, ${productKey('product')} AS product_id, quantity, unit_price
    FROM (
      SELECT n, line, 1 + floor(random() * ${products})::int AS product, 1 + floor(random() * 6)::int AS quantity,
        round((1 + random() * 400)::numeric, 2) AS unit_price
      FROM (SELECT n, 1 + floor(random() * 4.8)::int AS lines FROM generate_series(1, ${orders}) AS n) AS sized,
        LATERAL generate_series(1, lines) AS line
    ) AS made`;
}

function ordersSql({ orders, customers }: ShopSize): string {
  return `INSERT INTO orders
    SELECT n, customer, status, placed_at, total, note,
      CASE WHEN status IN ('shipped', 'delivered') THEN placed_at::date + 2 END
    FROM (
      SELECT n, 1 + floor(random() * ${customers})::int AS customer,
        ${oneOf(['placed', 'paid', 'shipped', 'delivered', 'delivered', 'delivered', 'cancelled'])}::order_status AS status,
        timestamptz '2025-01-01Z' + random() * interval '300 days' AS placed_at,
        CASE WHEN random() < 0.2 THEN ${oneOf(NOTES)} END AS note
      FROM generate_series(1, ${orders}) AS n
    ) AS made
    JOIN (SELECT order_id, sum(quantity * unit_price) AS total FROM new_lines GROUP BY order_id) AS sums ON order_id = n
    ORDER BY n`;
}
