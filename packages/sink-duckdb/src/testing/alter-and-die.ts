/**
 * A process that does to `orders` what Weir does not, and dies: `node alter-and-die.ts PATH`. It adds a column whose default
 * calls a function, with ALTER TABLE.
 */
import { openDatabase } from '../database.ts';

const database = await openDatabase(process.argv[2]!, { memoryLimit: 0, threads: undefined });
const connection = await database.connect();
await connection.run("ALTER TABLE public.orders ADD COLUMN seen VARCHAR DEFAULT concat('y', 'es')");
process.kill(process.pid, 'SIGKILL');
