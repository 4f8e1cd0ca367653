import { crc32, deflateSync, zstdCompressSync } from 'node:zlib';
import { ByteBuilder } from './encoding/byte-builder.ts';
import { gtidBody, mariadbGtidBody, taggedGtidBody, type SentGtid, type SentMariadbGtid } from './encoding/gtid-bodies.ts';
import { rowsBody, type SentRows } from './encoding/rows-body.ts';
import { tableMapBody, type TableMapOptions } from './encoding/table-map-body.ts';
import { EventType } from './event-type.ts';
import { encodeGtidSet } from './gtid-set-encoding.ts';
import type { MariadbGtidPosition } from './mariadb-gtid.ts';
import type { MysqlGtidSet } from './mysql-gtid-set.ts';
import type { TableMap } from './table-map.ts';

export { MysqlType } from './cells/mysql-type.ts';
export { ByteBuilder } from './encoding/byte-builder.ts';
export {
  encodeBytes,
  encodeDate,
  encodeDatetime2,
  encodeDecimal,
  encodeFloat,
  encodeInteger,
  encodeTimestamp2,
  type MomentValue,
} from './encoding/encode-value.ts';
export type { SentGtid, SentMariadbGtid } from './encoding/gtid-bodies.ts';
export type { SentPartial, SentRow, SentRows, SentValue } from './encoding/rows-body.ts';
export type { TableMapOptions } from './encoding/table-map-body.ts';

export interface EncoderOptions {
  readonly flavour?: 'mysql' | 'mariadb';
  /** Whether events end in a CRC-32; they do by default. */
  readonly checksums?: boolean;
  /** Where the first event stands; 4 by default. */
  readonly position?: number;
  /** Of the headers, in seconds since 1970. */
  readonly seconds?: number;
}

export interface SentQuery {
  readonly text: string | Uint8Array;
  readonly database?: string;
  /** Status variables. */
  readonly variables?: Uint8Array;
}

export interface SentFormat {
  readonly version?: string;
  readonly created?: number;
  /** The flag of a log that is being written. */
  readonly inUse?: boolean;
}

interface EventOptions {
  readonly flags?: number;
  readonly serverId?: number;
  /** It is in no file, and its header says where the next event of the file stands. */
  readonly outside?: boolean;
}

const HEADER_BYTES = 19;
const ARTIFICIAL = 0x20;
const SERVER_ID = 11;

/**
 * Encodes the events that `BinlogDecoder` reads, one behind the other in a file, for tests and benchmarks: written from the
 * vendors' pages, not from the code that reads them.
 */
export class EventEncoder {
  readonly #flavour: 'mysql' | 'mariadb';
  readonly #checksums: boolean;
  readonly #seconds: number;
  #position: number;

  constructor({ flavour = 'mysql', checksums = true, position = 4, seconds = 1_700_000_000 }: EncoderOptions = {}) {
    this.#flavour = flavour;
    this.#checksums = checksums;
    this.#position = position;
    this.#seconds = seconds;
  }

  get #version(): string {
    return this.#flavour === 'mysql' ? '8.4.3' : '11.4.2-MariaDB-log';
  }

  /** Where the next event stands. */
  get position(): number {
    return this.#position;
  }

  /** An event of any type and body. */
  event(type: number, body: Uint8Array, { flags = 0, serverId = SERVER_ID, outside = false }: EventOptions = {}): Uint8Array {
    const size = HEADER_BYTES + body.length + (this.#checksums ? 4 : 0);
    const artificial = (flags & ARTIFICIAL) !== 0;
    if (!artificial && !outside) this.#position += size;
    const event = new ByteBuilder();
    event.uint32(artificial ? 0 : this.#seconds).uint8(type).uint32(serverId).uint32(size);
    event.uint32(artificial ? 0 : this.#position % 2 ** 32).uint16(flags).bytes(body);
    return this.#checksums ? withChecksum(event.done()) : event.done();
  }

  /** The first event of a file, which has a checksum always. */
  format({ version = this.#version, created = 0, inUse = false }: SentFormat = {}): Uint8Array {
    const body = new ByteBuilder().uint16(4).text(version).bytes(new Uint8Array(50 - version.length)).uint32(created).uint8(HEADER_BYTES);
    const lengths = new Uint8Array(this.#flavour === 'mysql' ? 42 : 171);
    for (const [type, length] of Object.entries({ 2: 13, 4: 8, 15: 84, 19: 8, 23: 8, 24: 8, 25: 8, 30: 10, 31: 10, 32: 10, 39: 10 })) {
      lengths[Number(type) - 1] = length;
    }
    body.bytes(lengths).uint8(this.#checksums ? 1 : 0);
    const content = body.done();
    const size = HEADER_BYTES + content.length + 4;
    this.#position += size;
    const event = new ByteBuilder().uint32(this.#seconds).uint8(EventType.formatDescription).uint32(SERVER_ID).uint32(size);
    const whole = withChecksum(event.uint32(this.#position).uint16(0).bytes(content).done());
    if (inUse) whole[17]! |= 1;
    return whole;
  }

  /** The log goes on in another file. An artificial one says where a connection starts. */
  rotate(file: string, position: number, { artificial = false }: { artificial?: boolean } = {}): Uint8Array {
    const body = new ByteBuilder().uint64(position).text(file).done();
    const event = this.event(EventType.rotate, body, artificial ? { flags: ARTIFICIAL } : {});
    this.#position = position;
    return event;
  }

  gtid(sent: SentGtid): Uint8Array {
    return this.event(sent.gtid === null ? EventType.anonymousGtid : EventType.gtid, gtidBody(sent));
  }

  taggedGtid(sent: SentGtid, later?: 'ignorable' | 'needed'): Uint8Array {
    return this.event(EventType.gtidTagged, taggedGtidBody(sent, later));
  }

  mariadbGtid(sent: SentMariadbGtid): Uint8Array {
    return this.event(EventType.mariadbGtid, mariadbGtidBody(sent), { serverId: sent.gtid.server });
  }

  query({ text, database = '', variables = new Uint8Array(0) }: SentQuery): Uint8Array {
    const name = Buffer.from(database);
    const body = new ByteBuilder().uint32(5).uint32(0).uint8(name.length).uint16(0).uint16(variables.length);
    body.bytes(variables).bytes(name).uint8(0).bytes(typeof text === 'string' ? Buffer.from(text) : text);
    return this.event(EventType.query, body.done());
  }

  xid(): Uint8Array {
    return this.event(EventType.xid, new ByteBuilder().uint64(42n).done());
  }

  tableMap(map: TableMap, options: TableMapOptions = {}): Uint8Array {
    return this.event(EventType.tableMap, tableMapBody(map, { flavour: this.#flavour, ...options }));
  }

  rows(sent: SentRows): Uint8Array {
    return this.event(sent.type, rowsBody(sent));
  }

  xaPrepare(format: number, global: Uint8Array, branch: Uint8Array, { onePhase = false }: { onePhase?: boolean } = {}): Uint8Array {
    const body = new ByteBuilder().uint8(onePhase ? 1 : 0).uint32(format >>> 0).uint32(global.length).uint32(branch.length);
    return this.event(EventType.xaPrepare, body.bytes(global).bytes(branch).done());
  }

  heartbeat(file: string): Uint8Array {
    return this.event(EventType.heartbeat, Buffer.from(file), { outside: true });
  }

  heartbeatV2(file: string, position: number): Uint8Array {
    const name = Buffer.from(file);
    const place = new ByteBuilder().packed(position).done();
    const body = new ByteBuilder().packed(1).packed(name.length).bytes(name).packed(2).packed(place.length).bytes(place).packed(0);
    return this.event(EventType.heartbeatV2, body.done(), { flags: ARTIFICIAL });
  }

  previousGtids(set: MysqlGtidSet): Uint8Array {
    return this.event(EventType.previousGtids, encodeGtidSet(set));
  }

  gtidList(position: MariadbGtidPosition): Uint8Array {
    const { gtids } = position;
    const body = new ByteBuilder().uint32(gtids.length);
    for (const { domain, server, sequence } of gtids) body.uint32(domain).uint32(server).uint64(sequence);
    return this.event(EventType.gtidList, body.done());
  }

  /** Events that were encoded without checksums, compressed together. */
  payload(events: readonly Uint8Array[], { compressed = true }: { compressed?: boolean } = {}): Uint8Array {
    const content = Buffer.concat(events);
    const bytes = compressed ? zstdCompressSync(content) : content;
    const packed = (value: number): Uint8Array => new ByteBuilder().packed(value).done();
    const body = new ByteBuilder();
    const field = (type: number, value: number): unknown => body.packed(type).packed(packed(value).length).bytes(packed(value));
    field(2, compressed ? 0 : 255);
    if (compressed) field(3, content.length);
    field(1, bytes.length);
    return this.event(EventType.transactionPayload, body.packed(0).bytes(bytes).done());
  }

  /** A query or rows, compressed as MariaDB does. */
  compressed(sent: SentQuery | SentRows): Uint8Array {
    const plain = new EventEncoder({ flavour: 'mariadb', checksums: false });
    const isRows = 'rows' in sent;
    const body = (isRows ? plain.rows(sent) : plain.query(sent)).subarray(HEADER_BYTES);
    const head = isRows
      ? rowsBody({ ...sent, rows: sent.rows.slice(0, 1) }).length - rowContent(sent)
      : 14 + Buffer.byteLength(sent.database ?? '') + (sent.variables?.length ?? 0);
    const content = body.subarray(head);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(content.length);
    const stream = new ByteBuilder().bytes(body.subarray(0, head)).uint8(0x84).bytes(size).bytes(deflateSync(content));
    return this.event(isRows ? compressedType(sent.type) : EventType.queryCompressed, stream.done());
  }
}

function withChecksum(event: Uint8Array): Uint8Array {
  return new ByteBuilder().bytes(event).uint32(crc32(event)).done();
}

/** Bytes of the first row of an event. */
function rowContent(sent: SentRows): number {
  const [first] = sent.rows;
  const images = [first?.before, first?.after].filter((image) => image !== undefined);
  return images.reduce((sum, image) => {
    const present = image.filter((value) => value !== undefined);
    return sum + ((present.length + 7) >> 3) + present.reduce((bytes, value) => bytes + (value?.length ?? 0), 0);
  }, 0);
}

function compressedType(type: EventType): EventType {
  return (type >= EventType.writeRows ? type - EventType.writeRows + EventType.writeRowsCompressed : type - EventType.writeRowsV1 + EventType.writeRowsCompressedV1) as EventType;
}
