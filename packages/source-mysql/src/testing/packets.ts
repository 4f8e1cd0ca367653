/** The answer to a command that went well. */
export function okPacket(): Buffer {
  return framed(Buffer.from([0, 0, 0, 2, 0, 0, 0]), 1);
}

/** An error of the server. @param sequence its number among the packets since the command */
export function errorPacket(errno: number, text: string, sequence: number): Buffer {
  const head = Buffer.from([0xff, errno & 0xff, errno >> 8]);
  return framed(Buffer.concat([head, Buffer.from(`#HY000${text}`)]), sequence);
}

/** Events as a server sends them, numbered from 1; one that does not fit into a packet goes on in the next. */
export function eventPackets(events: readonly Uint8Array[], maxPacket = 0xff_ffff): Buffer[] {
  let sequence = 1;
  return events.map((event) => {
    const payload = Buffer.concat([Buffer.from([0]), event]);
    const parts: Buffer[] = [];
    // The last part is shorter than a whole packet, empty if need be.
    for (let at = 0; at <= payload.length; at += maxPacket) parts.push(framed(payload.subarray(at, at + maxPacket), sequence++));
    return Buffer.concat(parts);
  });
}

function framed(payload: Uint8Array, sequence: number): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence & 0xff;
  return Buffer.concat([header, payload]);
}
