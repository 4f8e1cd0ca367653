import type { Client } from 'pg';
import type { SeededRandom } from './seeded-random.ts';
import { descriptionText, productKey } from './shop-schema.ts';

/** What a transaction needs to find rows without asking for them first; placing orders moves it on. */
export interface ShopExtent {
  /** Highest customer and order numbers, and how many products there are. */
  customers: number;
  orders: number;
  readonly products: number;
}

/** One kind of thing that happens in the shop, in a transaction of its own. */
export interface ShopTransaction {
  readonly name: string;
  /** How often it happens, relative to the others. */
  readonly weight: number;
  run(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void>;
}

const NOTES = ['Bitte klingeln', 'gift 🎁', 'за углом', '裏口へ', 'tab\there', 'quote " and \\ backslash', ''];

export async function readExtent(client: Client): Promise<ShopExtent> {
  const { rows } = await client.query<ShopExtent>(`SELECT
    (SELECT coalesce(max(id), 0)::int FROM customers) AS customers,
    (SELECT coalesce(max(id), 0)::int FROM orders) AS orders,
    (SELECT count(*)::int FROM products) AS products`);
  return rows[0]!;
}

async function placeOrder(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  await client.query('BEGIN');
  await insertOrder(client, random, shop);
  await client.query('COMMIT');
}

async function insertOrder(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  const note = random.chance(0.3) ? random.pick(NOTES) : null;
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO orders (customer_id, status, placed_at, total, note) VALUES ($1, 'placed', clock_timestamp(), 0, $2)
     RETURNING id::int`,
    [random.int(1, shop.customers), note],
  );
  const { id } = rows[0]!;
  const products = Array.from({ length: random.int(1, 5) }, () => random.int(1, shop.products));
  await client.query(
    `INSERT INTO order_lines (order_id, line, product_id, quantity, unit_price)
     SELECT $1, line, products.id, $3, price FROM unnest($2::int[]) WITH ORDINALITY AS wanted (number, line)
     JOIN products ON products.id = ${productKey('number')}`,
    [id, products, random.int(1, 6)],
  );
  await client.query(
    `UPDATE orders SET total = (SELECT coalesce(sum(quantity * unit_price), 0) FROM order_lines WHERE order_id = $1)
     WHERE id = $1`,
    [id],
  );
  shop.orders = Math.max(shop.orders, id);
}

async function advanceOrder(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  await client.query(
    `UPDATE orders SET
       status = (CASE WHEN $2 THEN 'cancelled' WHEN status = 'placed' THEN 'paid' WHEN status = 'paid' THEN 'shipped'
         ELSE 'delivered' END)::order_status,
       shipped_on = CASE WHEN status = 'paid' AND NOT $2 THEN current_date ELSE shipped_on END
     WHERE id = (SELECT id FROM orders WHERE id >= $1 AND status NOT IN ('delivered', 'cancelled') ORDER BY id LIMIT 1)`,
    [random.int(1, shop.orders), random.chance(0.25)],
  );
}

/** NULL becomes a text and a text NULL. */
async function changeNote(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  await client.query('UPDATE orders SET note = CASE WHEN note IS NULL THEN $2 END WHERE id = $1', [
    random.int(1, shop.orders),
    random.pick(NOTES),
  ]);
}

/** Leaves the TOASTed description alone, so it is sent as unchanged. */
async function changePrices(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  const products = Array.from({ length: random.int(1, 5) }, () => random.int(1, shop.products));
  await client.query(
    `UPDATE products SET price = least(greatest(round(price * $2::numeric, 2), 0.5), 9999), weight_kg = weight_kg * 1.0001
     WHERE id IN (SELECT ${productKey('number')} FROM unnest($1::int[]) AS number)`,
    [products, (0.9 + random.next() / 5).toFixed(4)],
  );
}

async function rewriteDescription(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  await client.query(
    `UPDATE products SET description = ${descriptionText('$2::text')}, tags = tags[2:] || $3::text
     WHERE id = ${productKey('$1::int')}`,
    [random.int(1, shop.products), String(random.next()), random.pick(['neu', 'sale, really', '茶', 'NULL'])],
  );
}

async function updateProfile(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  const news = { points: random.int(0, 100_000), seen: random.next(), motto: random.pick(NOTES), deep: [null, true] };
  await client.query('UPDATE customers SET profile = profile || $2::jsonb WHERE id = $1', [
    random.int(1, shop.customers),
    JSON.stringify(news),
  ]);
}

async function newCustomer(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  const name = random.pick(['Zoë Ñandú', '王小明', 'Łucja Żak', 'Ian 🚀']);
  const { rows } = await client.query<{ id: number }>(
    `INSERT INTO customers (name, email, country, created_at, profile)
     VALUES ($1, $2, $3, clock_timestamp(), '{"newsletter": true}') RETURNING id::int`,
    [name, `new${random.int(1, 1e9)}@shop.example`, random.pick(['DE', 'JP', 'PL'])],
  );
  shop.customers = Math.max(shop.customers, rows[0]!.id);
}

async function deleteCancelled(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  await client.query('BEGIN');
  const { rows } = await client.query<{ id: number }>(
    `SELECT id::int FROM orders WHERE status = 'cancelled' AND id >= $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [random.int(1, shop.orders)],
  );
  const ids = rows.map(({ id }) => id);
  await client.query('DELETE FROM order_lines WHERE order_id = ANY($1)', [ids]);
  await client.query('DELETE FROM orders WHERE id = ANY($1)', [ids]);
  await client.query('COMMIT');
}

/** Changes a key: an order's first line becomes its last. */
async function renumberLine(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  await client.query(
    `WITH chosen AS (
       SELECT order_id, min(line) AS first, max(line) AS last FROM order_lines
       WHERE order_id = (SELECT order_id FROM order_lines WHERE order_id >= $1 ORDER BY order_id LIMIT 1) GROUP BY order_id
     )
     UPDATE order_lines SET line = chosen.last + 1 FROM chosen
     WHERE order_lines.order_id = chosen.order_id AND line = chosen.first`,
    [random.int(1, shop.orders)],
  );
}

/** Nothing of it may reach the sink. */
async function changeTheirMind(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  const { orders } = shop;
  await client.query('BEGIN');
  await insertOrder(client, random, shop);
  await client.query('ROLLBACK');
  shop.orders = orders;
}

/** Only what is outside the savepoint may reach the sink. */
async function changeHalfTheirMind(client: Client, random: SeededRandom, shop: ShopExtent): Promise<void> {
  const { orders } = shop;
  await client.query('BEGIN');
  await changeNote(client, random, shop);
  await client.query('SAVEPOINT half');
  await insertOrder(client, random, shop);
  await client.query('ROLLBACK TO SAVEPOINT half');
  shop.orders = orders;
  await updateProfile(client, random, shop);
  await client.query('COMMIT');
}

/** Everything that happens in the shop: every operation, key changes, unchanged and rewritten TOAST, roll-backs. */
export const shopTransactions: readonly ShopTransaction[] = [
  { name: 'place order', weight: 30, run: placeOrder },
  { name: 'advance order', weight: 24, run: advanceOrder },
  { name: 'change note', weight: 5, run: changeNote },
  { name: 'change prices', weight: 10, run: changePrices },
  { name: 'rewrite description', weight: 4, run: rewriteDescription },
  { name: 'update profile', weight: 11, run: updateProfile },
  { name: 'new customer', weight: 3, run: newCustomer },
  { name: 'delete cancelled order', weight: 7, run: deleteCancelled },
  { name: 'renumber line', weight: 3, run: renumberLine },
  { name: 'roll back', weight: 2, run: changeTheirMind },
  { name: 'roll back half', weight: 1, run: changeHalfTheirMind },
];

const TOTAL_WEIGHT = shopTransactions.reduce((sum, { weight }) => sum + weight, 0);

export function chooseTransaction(random: SeededRandom): ShopTransaction {
  let rest = random.next() * TOTAL_WEIGHT;
  return shopTransactions.find(({ weight }) => (rest -= weight) < 0) ?? shopTransactions[0]!;
}
