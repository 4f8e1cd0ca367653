const INSERT = 0x49;
const UPDATE = 0x55;
const DELETE = 0x44;

/**
 * Whether a message of pgoutput is a changed row.
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export function isChange(kind: number | undefined): boolean {
  return kind === INSERT || kind === UPDATE || kind === DELETE;
}
