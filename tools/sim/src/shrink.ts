import { play } from './history.ts';
import type { Happening, Plan } from './plan.ts';

/** Histories that are played to make one smaller. */
const MOST_TRIES = 600;

/**
 * A plan with as little happening as it takes to break the same property: parts are left out, large ones first, as long as it
 * breaks without them.
 */
export async function shrink(plan: Plan, property: string): Promise<Plan> {
  let kept = plan.happenings;
  let tries = 0;
  const breaks = async (happenings: readonly Happening[]): Promise<boolean> => {
    tries++;
    const { violation } = await play({ ...plan, happenings });
    return violation?.property === property;
  };
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length && tries < MOST_TRIES; ) {
      const without = kept.toSpliced(at, size);
      if (await breaks(without)) kept = without;
      else at += size;
    }
  }
  return { ...plan, happenings: kept };
}
