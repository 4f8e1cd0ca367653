const ORDER_BITS = 52n;
const MAX_ORDER = (1n << ORDER_BITS) - 1n;
const MAX_EPOCH = (1n << 11n) - 1n;

/**
 * A commit's version: below 2^63 and monotone for the life of a pipeline, also across a copy made again, a failover or a
 * rebuilt server. The epoch fills the 11 high bits, the source's commit order (an LSN, for instance) the 52 low ones.
 *
 * @param epoch 0 to 2047; raised by one whenever the source's own order starts again
 * @param order 0 to 2^52 - 1
 * @throws RangeError when a part does not fit
 */
export function packVersion(epoch: number, order: bigint): bigint {
  if (order < 0n || order > MAX_ORDER) throw new RangeError(`commit order ${order} does not fit in ${ORDER_BITS} bits`);
  const high = BigInt(epoch);
  if (high < 0n || high > MAX_EPOCH) throw new RangeError(`epoch ${epoch} is not within 0 and ${MAX_EPOCH}`);
  return (high << ORDER_BITS) | order;
}

/** The parts of a version made by {@link packVersion}. */
export function unpackVersion(version: bigint): { epoch: number; order: bigint } {
  return { epoch: Number(version >> ORDER_BITS), order: version & MAX_ORDER };
}
