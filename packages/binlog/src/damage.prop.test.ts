import { crc32 } from 'node:zlib';
import { BatchWriter, WeirError } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MysqlType } from './cells/mysql-type.ts';
import { EventEncoder } from './event-encoder.ts';
import { SIZE_OFFSET } from './event-reader.ts';
import { EventType } from './event-type.ts';
import { MariadbGtidPosition } from './mariadb-gtid.ts';
import { MysqlGtidSet } from './mysql-gtid-set.ts';
import { payloadEvents } from './payload-events.ts';
import { readRows } from './testing/read-rows.ts';
import { Session } from './testing/session.ts';
import { column, int, pair, varchar } from './testing/tables.ts';

const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const gtid = { uuid, tag: '', number: 23n };
const tagged = { uuid, tag: 'nightly', number: 5n };
const json = { ...pair, tableId: 109, name: 'json', columns: [pair.columns[0]!, column(MysqlType.json, 4, { name: 'j' }), column(MysqlType.json, 4, { name: 'k' })], primaryKey: null };
const skipped = { ...pair, tableId: 110, name: 'skipped' };
const leftOut = { ...pair, tableId: 111, name: 'left out' };
const tables = [pair, json, skipped, leftOut];
const document = Uint8Array.of(2, 0, 0, 0, 7, 8);
const old = [int(1), varchar('one'), null];
const now = [int(1), null, varchar('two')];

/** Where an event may stand. */
const places = ['outside', 'behind a GTID', 'in a transaction', 'in an XA transaction', 'in a replay'] as const;
type Place = (typeof places)[number];
const place = fc.constantFrom(...places);
const flavour = fc.constantFrom('mysql' as const, 'mariadb' as const);

function events(log: EventEncoder): Uint8Array[] {
  const xid = { step: 'prepare' as const, format: 1, global: Uint8Array.of(1, 2), branch: Uint8Array.of(3) };
  const rows = tables.flatMap(({ tableId }) => [
    log.rows({ type: EventType.writeRows, tableId, columns: 3, rows: [{ after: now }, { after: old }], extra: Uint8Array.of(1, 2) }),
    log.rows({ type: EventType.updateRowsV1, tableId, columns: 3, rows: [{ before: old, after: [undefined, null, varchar('x')] }] }),
    log.rows({ type: EventType.deleteRows, tableId, columns: 3, rows: [{ before: old }], endsStatement: false }),
  ]);
  const changed = { before: [int(1), document, null], after: [int(2), document, document], partial: { bits: [true, false] } };
  return [
    ...rows,
    ...tables.map((map) => log.tableMap(map)),
    log.rows({ type: EventType.partialUpdateRows, tableId: json.tableId, columns: 3, rows: [changed, changed] }),
    log.compressed({ type: EventType.writeRows, tableId: pair.tableId, columns: 3, rows: [{ after: now }] }),
    log.compressed({ text: 'INSERT INTO t VALUES (1)', database: 'shop' }),
    log.gtid({ gtid, commitTime: 9, originalCommitTime: 8, length: 300 }),
    log.gtid({ gtid: null }),
    log.taggedGtid({ gtid: tagged, commitTime: 9 }),
    log.mariadbGtid({ gtid: { domain: 1, server: 2, sequence: 3n }, groupCommit: true }),
    log.mariadbGtid({ gtid: { domain: 1, server: 2, sequence: 3n }, standalone: true, ddl: true, alter: 'start' }),
    log.mariadbGtid({ gtid: { domain: 1, server: 2, sequence: 3n }, xa: xid }),
    ...['BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT a', "XA START X'01',X'',1", "XA COMMIT X'01',X'',1", "XA ROLLBACK X'01',X'',1", 'DROP TABLE t'].map(
      (text) => log.query({ text, database: 'shop', variables: Uint8Array.of(0, 1, 2, 3, 4, 4, 33, 0, 33, 0, 8, 0) }),
    ),
    log.xid(),
    log.xaPrepare(1, Uint8Array.of(1), new Uint8Array(0)),
    log.xaPrepare(1, Uint8Array.of(1), new Uint8Array(0), { onePhase: true }),
    log.format(),
    log.rotate('binlog.000008', 4),
    log.heartbeat('binlog.000008'),
    log.heartbeatV2('binlog.000008', 2 ** 33),
    log.previousGtids(MysqlGtidSet.parse(`${uuid}:1-5:9,${uuid}:tag:3`)),
    log.gtidList(MariadbGtidPosition.parse('1-2-3,4-5-6')),
    log.payload([new EventEncoder({ checksums: false }).query({ text: 'BEGIN' }), new EventEncoder({ checksums: false }).xid()]),
    log.event(EventType.stop, new Uint8Array(0)),
    log.event(EventType.rowsQuery, varchar('INSERT')),
    log.event(EventType.incident, Uint8Array.of(1, 0, 1, 65)),
    log.event(EventType.startEncryption, new Uint8Array(17)),
  ];
}

const whole = fc.constantFrom(...events(new EventEncoder({ checksums: false })));

/** What may lie behind an event: nothing, what would complete a number or a string, anything. */
const poisons: fc.Arbitrary<Uint8Array[]> = fc
  .uint8Array({ minLength: 80, maxLength: 80 })
  .map((noise) => [new Uint8Array(0), noise, ...[0x00, 0x01, 0xff].map((byte) => noise.map(() => byte))]);

interface Outcome {
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly rows: unknown;
  readonly skipped: number;
  readonly heard: unknown;
}

const writer = new BatchWriter();
const first = { before: null, after: [Buffer.from(int(1)).toString('latin1'), null, 'two'] };

/** A session behind one whole row, which waits for an event at this place. */
function sessionAt(where: Place, of: 'mysql' | 'mariadb'): Session {
  const session = new Session({ writer, checksums: false, flavour: of });
  const { log, host } = session;
  host.treatments.set('pair', { cells: ['plain', 'doubled', 'plain'] });
  host.treatments.set('skipped', { skip: true });
  host.treatments.set('left out', { leftOut: true });
  session.decode(log.gtid({ gtid })).decode(log.query({ text: 'BEGIN' })).decode(log.tableMap(pair));
  session.decode(log.rows({ type: EventType.writeRows, tableId: pair.tableId, columns: 3, rows: [{ after: now }] }));
  if (where !== 'in a transaction') session.decode(log.xid());
  if (where === 'in an XA transaction' || where === 'in a replay') session.decode(log.query({ text: "XA START X'01',X'',1" }));
  if (where === 'in a replay') {
    session.decode(log.xaPrepare(1, Uint8Array.of(1), new Uint8Array(0), { onePhase: true }));
    session.decoder.beginReplay();
  }
  if (where === 'behind a GTID') session.decode(log.gtid({ gtid }));
  if (where === 'in a transaction' || where === 'in a replay') {
    for (const map of tables) session.decodeInner(log.tableMap(map));
  }
  return session;
}

/** Decodes `bytes` at a place, before `poison`. */
function decode(bytes: Uint8Array, poison: Uint8Array, where: Place, of: 'mysql' | 'mariadb'): Outcome {
  const session = sessionAt(where, of);
  const before = writer.data.slice(0, writer.used);
  const start = writer.append(bytes);
  const stop = writer.used;
  writer.append(poison);
  let failure: Outcome['failure'] = null;
  try {
    if (where === 'in a replay') session.decoder.decodeInner(writer, start, stop);
    else session.decoder.decode(writer, start, stop);
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    failure = { code: error.code, message: error.message };
  }
  const { used } = writer;
  const batch = writer.close(null);
  expect(batch.data.subarray(0, start)).toEqual(before);
  expect(batch.data.subarray(stop, used)).toEqual(poison);
  for (let index = 3; index < batch.start.length; index++) {
    const from = batch.start[index]!;
    const length = batch.length[index]!;
    // In the event, or in the spill that lies behind everything.
    expect(length < 0 || (from >= start && from + length <= stop) || from >= used).toBe(true);
  }
  const rows = readRows(batch);
  expect(rows[0]).toMatchObject({ ...first, after: [first.after[0], null, 'two'] });
  const { maps, begins, ends, statements, payloads, rotations, formats, previous, heartbeats } = session.host;
  const kept = [...session.xa.events];
  return { failure, rows, skipped: batch.skipped, heard: { maps, begins, ends, statements, payloads, rotations, formats, previous, heartbeats, kept } };
}

/** What becomes of an event, proved to be the same whatever lies behind it. */
function outcome(bytes: Uint8Array, behind: readonly Uint8Array[], where: Place, of: 'mysql' | 'mariadb'): Outcome {
  const [one, ...others] = behind.map((poison) => decode(bytes, poison, where, of));
  for (const other of others) expect(other).toEqual(one);
  return one!;
}

/** The event with these bytes, and a header that fits it. */
function resized(bytes: Uint8Array): Uint8Array {
  const event = Uint8Array.from(bytes);
  for (let byte = 0; byte < 4 && SIZE_OFFSET + byte < event.length; byte++) event[SIZE_OFFSET + byte] = (event.length >>> (8 * byte)) & 0xff;
  return event;
}

const runs = { seed: testSeed, numRuns: 500 };
const code = /^WEIR_BINLOG_(?:DAMAGED|UNSUPPORTED|ROW_IMAGE|INCIDENT)$/u;

function expectKnown({ failure }: Outcome): void {
  if (failure !== null) expect(failure.code).toMatch(code);
}

test('an event that is cut off anywhere is decoded or refused', () => {
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(whole, share, place, flavour, poisons, (bytes, part, where, of, behind) => {
      const cut = bytes.subarray(0, Math.floor(bytes.length * part));
      // The header says another size.
      expect(outcome(cut, behind, where, of).failure?.code).toBe('WEIR_BINLOG_DAMAGED');
      expectKnown(outcome(resized(cut), behind, where, of));
    }),
    runs,
  );
});

test('an event with bytes behind its end is decoded or refused', () => {
  fc.assert(
    fc.property(whole, fc.uint8Array({ minLength: 1, maxLength: 9 }), place, flavour, poisons, (bytes, more, where, of, behind) => {
      expectKnown(outcome(resized(Uint8Array.from([...bytes, ...more])), behind, where, of));
    }),
    runs,
  );
});

test('an event with flipped bits is decoded or refused', () => {
  const bits = fc.array(fc.nat(), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(whole, bits, place, flavour, poisons, (bytes, flips, where, of, behind) => {
      const flipped = Uint8Array.from(bytes);
      for (const bit of flips) flipped[(bit >> 3) % flipped.length]! ^= 1 << (bit & 7);
      expectKnown(outcome(flipped, behind, where, of));
    }),
    { ...runs, numRuns: 1500 },
  );
});

test('random bytes as the body of each type are decoded or refused', () => {
  const types = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...Object.values(EventType)) }, { weight: 1, arbitrary: fc.nat({ max: 255 }) });
  // Small numbers are lengths and counts that fit, so that more of the event is read.
  const byte = fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 3, 3, 108, 109), fc.nat({ max: 255 }));
  fc.assert(
    fc.property(types, fc.array(byte, { maxLength: 60 }), place, flavour, poisons, (type, body, where, of, behind) => {
      const event = new EventEncoder({ checksums: false }).event(type, Uint8Array.from(body));
      expectKnown(outcome(event, behind, where, of));
    }),
    { ...runs, numRuns: 1500 },
  );
});

test('a whole event is decoded, or refused for where it stands', () => {
  const refused = new Set<number>([EventType.incident, EventType.startEncryption]);
  fc.assert(
    fc.property(whole, poisons, (bytes, behind) => {
      const outcomes = places.map((where) => outcome(bytes, behind, where, 'mysql'));
      for (const each of outcomes) expectKnown(each);
      expect(outcomes.some(({ failure }) => failure === null)).toBe(!refused.has(bytes[4]!));
    }),
    { ...runs, numRuns: 150 },
  );
});

test('any flipped bit of an event with a checksum is found', () => {
  const format = new EventEncoder().format();
  const others = events(new EventEncoder());
  fc.assert(
    fc.property(fc.constantFrom(...others), fc.nat(), (bytes, bit) => {
      const session = new Session({ writer: new BatchWriter(), opened: false }).decode(format);
      const flipped = Uint8Array.from(bytes);
      flipped[(bit >> 3) % flipped.length]! ^= 1 << (bit & 7);
      // The type of a format, whose checksum is its own affair; and its flag of a log in use does not count.
      fc.pre(bytes[4] !== EventType.formatDescription && flipped[4] !== EventType.formatDescription);
      expect(() => session.decode(flipped)).toThrow(expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED' }));
      expect(crc32(bytes.subarray(0, -4))).toBe(Buffer.from(bytes).readUInt32LE(bytes.length - 4));
    }),
    runs,
  );
});

test('the content of a payload with flipped bits comes out as events or is refused', async () => {
  const inner = new EventEncoder({ checksums: false });
  const content = Buffer.concat(events(inner));
  const bits = fc.array(fc.nat(), { minLength: 1, maxLength: 3 });
  const read = async (bytes: Uint8Array, compression: 'zstd' | 'none' | 'zlib', size: number | null): Promise<void> => {
    try {
      for await (const event of payloadEvents({ compression, start: 0, end: 0, size }, bytes)) expect(event.length).toBeGreaterThanOrEqual(19);
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(code) as string });
    }
  };
  const payload = inner.payload([content]);
  const zstd = payload.subarray(Buffer.from(payload).indexOf('28b52ffd', 'hex'));
  const zlib = inner.compressed({ type: EventType.writeRows, tableId: pair.tableId, columns: 3, rows: [{ after: now }] });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('zstd' as const, 'none' as const, 'zlib' as const), bits, async (compression, flips) => {
      const flipped = Uint8Array.from(compression === 'zstd' ? zstd : compression === 'none' ? content : zlib);
      for (const bit of flips) flipped[(bit >> 3) % flipped.length]! ^= 1 << (bit & 7);
      await read(flipped, compression, compression === 'zlib' ? null : content.length);
    }),
    runs,
  );
});
