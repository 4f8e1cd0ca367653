import { createHash } from 'node:crypto';
import { EventType, HEADER_BYTES, SIZE_OFFSET, TYPE_OFFSET } from '@weir/binlog';

/** An event with nothing of a header but its type and its length. */
export function bareEvent(type: number, body: Uint8Array): Buffer {
  const event = Buffer.alloc(HEADER_BYTES + body.length);
  event[TYPE_OFFSET] = type;
  event.writeUInt32LE(event.length, SIZE_OFFSET);
  event.set(body, HEADER_BYTES);
  return event;
}

export function rowsEvent(body: Uint8Array): Buffer {
  return bareEvent(EventType.writeRows, body);
}

/** The beginning of a TABLE_MAP: whose rows follow. */
export function tableMapEvent(database: string, table: string): Buffer {
  const named = (name: string): number[] => [name.length, ...Buffer.from(name), 0];
  return bareEvent(EventType.tableMap, Uint8Array.from([...Array.from({ length: 8 }, () => 0), ...named(database), ...named(table)]));
}

/** What tells events from others, however large they are; each is valid until the next. */
export async function fingerprints(events: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string[]> {
  const all: string[] = [];
  for await (const event of events) all.push(`${event.length} ${createHash('sha256').update(event).digest('hex')}`);
  return all;
}

/** The position of the n-th boundary of a log. */
export function boundary(n: number): string {
  return `0000.0000000001.${String(n).padStart(16, '0')}.0000000000`;
}
