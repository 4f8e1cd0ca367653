import { describe, expect, test } from 'vitest';
import type { PreparedHost } from './prepared.ts';
import { hex } from './testing/captured-session.ts';
import { streams } from './testing/captured-streams.ts';
import { Session } from './testing/session.ts';

const epoch = 946_684_800_000_000;
const one = {
  prepareLsn: 0x18dadb8n,
  endLsn: 0x18daeb0n,
  time: epoch + 0x03041c7df21210,
  transactionId: 0x2fb,
  gid: 'gid one',
};

/** A session that asks for prepared transactions, and what it hears of them. */
function listening(): { session: Session; heard: unknown[] } {
  const heard: unknown[] = [];
  const hear = (what: string) => (record: unknown) => heard.push([what, record]);
  const prepared = Object.fromEntries(
    ['begin', 'prepare', 'streamPrepare', 'commit', 'rollback'].map((what) => [what, hear(what)]),
  ) as unknown as PreparedHost;
  return { session: new Session({ version: 3, streaming: true, prepared }), heard };
}

const feed = (session: Session, ...names: (keyof typeof streams)[]): Session =>
  session.feed(...names.map((name) => hex(streams[name])));

describe('what PostgreSQL sent', () => {
  test('a transaction that is prepared and committed: its rows are checked and left out', () => {
    const { session, heard } = listening();
    session.feed(hex(itemWithoutPrice));
    feed(session, 'beginPrepare', 'insertPrepared');
    expect(session.decoder.inTransaction).toBe(true);
    feed(session, 'prepare');
    expect(session.decoder.inTransaction).toBe(false);
    feed(session, 'commitPrepared');
    const commit = { commitLsn: 0x18daeb0n, endLsn: 0x18daef0n, time: epoch + 0x03041c7df214f2 };
    expect(heard).toEqual([
      ['begin', one],
      ['prepare', one],
      ['commit', { ...commit, transactionId: 0x2fb, gid: 'gid one' }],
    ]);
    expect(session.rows()).toEqual([]);
    expect(session.host.begins).toEqual([]);
    expect(session.host.commits).toEqual([]);
  });

  test('a rollback, and a streamed transaction that is prepared', () => {
    const { session, heard } = listening();
    const start = hex(streams.start.replace('2f2', '2fd'));
    feed(feed(session.feed(start), 'stop', 'streamPrepare'), 'rollbackPrepared');
    expect(heard).toEqual([
      [
        'streamPrepare',
        {
          prepareLsn: 0x191fc48n,
          endLsn: 0x191fd48n,
          time: epoch + 0x03041c7df23a4e,
          transactionId: 0x2fd,
          gid: 'gid three',
        },
      ],
      [
        'rollback',
        {
          prepareEndLsn: 0x18db070n,
          endLsn: 0x18db0b0n,
          prepareTime: epoch + 0x03041c7df2195c,
          time: epoch + 0x03041c7df21b62,
          transactionId: 0x2fc,
          gid: 'gid two',
        },
      ],
    ]);
    session.feed(start);
    expect(session.decoder.inStreamBlock, 'the id is free').toBe(true);
  });
});

/** `shop.item` as in the captured streams. */
const itemWithoutPrice = streams.relation.replace('52000002f2', '52');
