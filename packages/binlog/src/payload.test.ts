import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventEncoder } from './event-encoder.ts';
import { EventType } from './event-type.ts';
import { payloadEvents } from './payload-events.ts';
import { Session } from './testing/session.ts';
import { hex, int, intText, pair, varchar } from './testing/tables.ts';

const gtid = { uuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562', tag: '', number: 23n };
const images = { tableId: pair.tableId, columns: 3 };
const damaged = (message: string): unknown => expect.objectContaining({ code: 'WEIR_BINLOG_DAMAGED', message: expect.stringContaining(message) as string });

async function read(bytes: Uint8Array, size: number | null, compression: 'zstd' | 'none' = 'none'): Promise<Uint8Array[]> {
  const events: Uint8Array[] = [];
  for await (const event of payloadEvents({ compression, start: 0, end: bytes.length, size }, bytes)) events.push(Uint8Array.from(event));
  return events;
}

describe('a compressed transaction', () => {
  test('has its rows and its place as if it were not', async () => {
    const session = new Session();
    const { log, host } = session;
    const inner = new EventEncoder({ checksums: false });
    const start = log.position;
    await session.feed(
      log.gtid({ gtid }),
      log.payload([
        inner.query({ text: 'BEGIN' }),
        inner.tableMap(pair),
        inner.rows({ type: EventType.writeRows, ...images, rows: [{ after: [int(1), varchar('one'), null] }] }),
        inner.xid(),
      ]),
    );
    expect(host.begins).toMatchObject([{ gtid, start: { file: 'binlog.000007', offset: start } }]);
    expect(host.ends).toMatchObject([{ kind: 'commit', gtid, rows: 1, end: { offset: log.position } }]);
    expect(session.rows()).toMatchObject([{ after: [intText(1), 'one', null] }]);
  });

  test('comes out event by event, however it is cut', async () => {
    const log = new EventEncoder({ checksums: false });
    const body = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 100_000 }).map((length) => new Uint8Array(length).fill(7)));
    await fc.assert(
      fc.asyncProperty(fc.array(body, { maxLength: 6 }), async (bodies) => {
        const events = bodies.map((each) => log.event(EventType.rowsQuery, each));
        const content = Buffer.concat(events);
        const payload = log.payload(events);
        const stream = payload.subarray(Buffer.from(payload).indexOf('28b52ffd', 'hex'));
        expect(await read(stream, content.length, 'zstd')).toEqual(events);
        expect(await read(content, null)).toEqual(events);
      }),
      { seed: testSeed, numRuns: 100 },
    );
  });

  test('of another size than it says is refused', async () => {
    const event = new EventEncoder({ checksums: false }).event(EventType.stop, new Uint8Array(0));
    await expect(read(event, 18)).rejects.toThrow(damaged('more comes out than the payload says'));
    await expect(read(event, 20)).rejects.toThrow(damaged('less comes out than the payload says'));
    await expect(read(event.subarray(0, 18), null)).rejects.toThrow(damaged('its last event is cut off'));
    await expect(read(event.with(9, 18), null)).rejects.toThrow(damaged('an event in it has no such size'));
    await expect(read(event.with(12, 0x7f), null)).rejects.toThrow(damaged('an event in it has no such size'));
    await expect(read(event, null, 'zstd')).rejects.toThrow(damaged('its content cannot be inflated (ZSTD_error_prefix_unknown)'));
  });

  test.each<[string, string, string, string]>([
    ['without an end of its fields', '02 01 00', 'DAMAGED', 'the event ends early'],
    ['without its size', '02 01 00 00', 'DAMAGED', 'a payload without its size or its compression'],
    ['without its compression', '01 01 00 00', 'DAMAGED', 'a payload without its size or its compression'],
    ['larger than it says', '02 01 00 01 01 02 00 ffffff', 'DAMAGED', 'the payload has another size than it says'],
    ['smaller than it says', '02 01 00 01 01 04 00 ffffff', 'DAMAGED', 'the payload has another size than it says'],
    ['with a field of another length', '02 02 00 01 01 00 00', 'DAMAGED', 'a field is not as long as it says'],
    ['compressed otherwise', '02 01 01 01 01 00 00', 'UNSUPPORTED', 'compression of kind 1'],
  ])('%s is refused', (_what, body, code, message) => {
    const session = new Session();
    session.decode(session.log.gtid({ gtid }));
    expect(() => session.decode(session.log.event(EventType.transactionPayload, hex(body)))).toThrow(
      expect.objectContaining({ code: `WEIR_BINLOG_${code}`, message: expect.stringContaining(message) as string }),
    );
  });

  test('has fields that only a later server knows passed over', () => {
    const session = new Session();
    session.decode(session.log.gtid({ gtid })).decode(session.log.event(EventType.transactionPayload, hex('04 02 aabb 02 01 00 01 01 03 00 010203')));
    expect(session.host.payloads).toMatchObject([{ compression: 'zstd', size: null }]);
    const { start, end } = session.host.payloads[0]!;
    expect(session.writer.data.subarray(start, end)).toEqual(Uint8Array.of(1, 2, 3));
  });
});
