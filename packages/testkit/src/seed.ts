/** The seed of this run of random tests; `WEIR_SEED` replays one. */
export const testSeed: number = Number(process.env['WEIR_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff));

console.info(`WEIR_SEED=${testSeed}`);

/** Numbers 0 ≤ x < 1 that a seed determines (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
