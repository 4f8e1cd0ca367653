/** A process that commits transactions of `orders` to a database: `node commit-and-die.ts URL SCHEMA [wait | shapes [NUMBER]]`. */
import { commitOrders, commitShapes } from '@weir/testkit/orders';
import { makeSink } from './test-databases.ts';

const [, , url = '', schema = '', what, most] = process.argv;
const sink = makeSink(url, { target: { schema, table: '{table}' } });
await (what === 'shapes' ? commitShapes(sink, most === undefined ? undefined : Number(most)) : commitOrders(sink, what === 'wait'));
