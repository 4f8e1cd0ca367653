/** The seed of this run of random tests; printed, so that `WEIR_SEED=… ` in the environment replays it. */
export const seed: number = Number(process.env['WEIR_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff));

console.log(`WEIR_SEED=${seed}`);
