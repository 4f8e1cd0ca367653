/** A process that commits transactions of `orders` to a database: `node commit-and-die.ts URL [wait | shapes [NUMBER]]`. */
import { commitOrders, commitShapes } from '@weir/testkit/orders';
import { makeSink } from './test-database.ts';

const [, , url = '', what, most] = process.argv;
const sink = makeSink(url);
await (what === 'shapes' ? commitShapes(sink, most === undefined ? undefined : Number(most)) : commitOrders(sink, what === 'wait'));
