/**
 * A process that commits one transaction of `orders` to a DuckDB file, see `commitOrders`: `node commit-and-die.ts PATH [SHARE]`;
 * with a share changes wait in a delta until it is so large a part of the table.
 */
import { commitOrders } from '@weir/testkit/orders';
import { makeSink } from './temporary-database.ts';

const [path = '', share = ''] = process.argv.slice(2);
const delta = share === '' ? null : { share: Number(share), atRest: false };
await commitOrders(makeSink(path, {}, {}, delta));
