/** An index of InnoDB takes so many bytes in rows of the DYNAMIC format, which all tables of Weir have. */
const INDEX_BYTES = 3072;
/** The most that a key column with a length of its own takes: a uuid, or a decimal of 65 digits. */
const OTHER_BYTES = 40;
/** Bytes of a character in utf8mb4. */
const CHARACTER_BYTES = 4;

/**
 * How long text and bytes in a key may be: what is left of the index is divided among them.
 * @param columns of the key, at least one
 * @param long how many of them are text or bytes
 */
export function keyWidths(columns: number, long: number): { readonly characters: number; readonly bytes: number } {
  const bytes = Math.max(CHARACTER_BYTES, Math.floor((INDEX_BYTES - OTHER_BYTES * (columns - long)) / Math.max(1, long)));
  return { characters: Math.floor(bytes / CHARACTER_BYTES), bytes };
}
