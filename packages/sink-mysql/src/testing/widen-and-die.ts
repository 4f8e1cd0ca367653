/** A process that widens a column of two tables in one commit: `node widen-and-die.ts URL SCHEMA`. */
import { makeSink } from './test-databases.ts';
import { widenTwoTables } from './two-tables.ts';

const [, , url = '', schema = ''] = process.argv;
await widenTwoTables(makeSink(url, { target: { schema, table: '{table}' } }));
