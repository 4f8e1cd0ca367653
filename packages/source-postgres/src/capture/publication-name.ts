import { createHash } from 'node:crypto';

/** A name has at most so many bytes; the server would cut it off without an error. */
export const NAME_BYTES = 63;

const SUFFIX = '_inserts';
const DIGEST_LENGTH = 8;

/** The name of the publication that has only inserts and truncates, beside the one of this name. */
export function insertsName(publication: string): string {
  const name = `${publication}${SUFFIX}`;
  if (Buffer.byteLength(name) <= NAME_BYTES) return name;
  // Two long names with the same start must not become one.
  const digest = createHash('sha256').update(publication).digest('hex').slice(0, DIGEST_LENGTH);
  const start = Array.from(publication);
  while (Buffer.byteLength(start.join('')) > NAME_BYTES - SUFFIX.length - DIGEST_LENGTH - 1) start.pop();
  return `${start.join('')}_${digest}${SUFFIX}`;
}
