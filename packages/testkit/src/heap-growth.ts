import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A fraction of a million rows, few enough that the garbage collector does not run by itself meanwhile. */
const ROWS = 50_000;
/** How often it is measured at most: code that is not compiled yet makes objects of its own, and the compiler takes its time. */
const ROUNDS = 40;

/**
 * How many bytes of objects are made for each row, once everything is compiled.
 * @param work goes over as many rows, one after the other
 * @param enough so little is no object for each row: it is not measured again
 */
export async function heapGrowth(work: (rows: number) => void | Promise<void>, enough: number): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && least >= enough; round++) {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    await work(ROWS);
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / ROWS);
  }
  return least;
}
