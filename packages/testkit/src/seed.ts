/** The seed of this run of random tests; `WEIR_SEED` replays one. */
export const testSeed: number = Number(process.env['WEIR_SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff));

console.info(`WEIR_SEED=${testSeed}`);
