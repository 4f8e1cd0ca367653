import { WeirError } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { PgoutputDecoder } from './decoder.ts';
import { encodeBegin, encodeInsert, encodeRelation } from './message-encoder.ts';
import type { ProtocolVersion } from './message-kind.ts';
import type { Relation } from './relation.ts';
import { captured, hex } from './testing/captured-session.ts';
import { doubled, dropFirstByte } from './testing/recording-host.ts';
import { Session } from './testing/session.ts';

const pair: Relation = {
  oid: 1,
  namespace: 's',
  name: 'pair',
  replicaIdentity: 'd',
  columns: ['a', 'b'].map((name, index) => ({ name, typeOid: 25, typeModifier: -1, isKey: index === 0 })),
};
const begin = encodeBegin({ commitLsn: 5n, time: 0, transactionId: 1 });

/** A session with the table announced; `open` says whether a transaction is. */
function prepared(open: boolean): Session {
  const session = new Session().feed(encodeRelation(pair));
  return open ? session.feed(begin) : session;
}

function failure(work: () => unknown): WeirError {
  try {
    work();
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const inside = true;
const outside = false;

/** Where the message stands, its bytes, and the place and reason that the error names. */
const damagedMessages: [what: string, open: boolean, bytes: string, message: string][] = [
  ['nothing at all', outside, '', '0x00, byte 0: the message is empty'],
  ['an unknown kind', inside, '58', "'X', byte 0: no message starts with this byte"],
  ['a kind just behind the letters', inside, '5b', "0x5b, byte 0: no message starts with this byte"],
  ['a kind just before the small letters', inside, '60', "0x60, byte 0: no message starts with this byte"],
  ['the last letter', inside, '5a', "'Z', byte 0: no message starts with this byte"],
  ['the first small letter', inside, '61', "'a', byte 0: no message starts with this byte"],
  ['the last small letter', inside, '7a', "'z', byte 0: no message starts with this byte"],
  ['a kind just behind the small letters', inside, '7b', "0x7b, byte 0: no message starts with this byte"],
  ['an unprintable kind', inside, '07', '0x07, byte 0: no message starts with this byte'],

  ['a nested BEGIN', inside, captured.begin, "'B', byte 1: a transaction starts inside another"],
  ['a BEGIN cut off', outside, captured.begin.slice(0, -2), "'B', byte 17: the message ends early"],
  ['a BEGIN with more behind', outside, `${captured.begin}00`, "'B', byte 21: bytes left over: 1"],
  [
    'a time beyond what a double holds',
    outside,
    '42 0000000000000005 7fffffffffffffff 00000001',
    "'B', byte 17: a time is out of range",
  ],
  [
    'a time before what a double holds',
    outside,
    '42 0000000000000005 8000000000000001 00000001',
    "'B', byte 17: a time is out of range",
  ],
  ['a COMMIT outside', outside, captured.commit, "'C', byte 1: no transaction is open"],
  ['a COMMIT with flags', inside, '43 01 0000000000000005', "'C', byte 1: a commit with unknown flags"],
  ['the COMMIT of another', inside, captured.commit, "'C', byte 26: the commit of another transaction"],
  ['an ORIGIN outside', outside, '4f 0000000000000005 6100', "'O', byte 1: no transaction is open"],
  ['an ORIGIN with more behind', inside, '4f 0000000000000005 6100 00', "'O', byte 11: bytes left over: 1"],
  ['a COMMIT with more behind', inside, `${captured.commit}00`, "'C', byte 26: bytes left over: 1"],
  ['an ORIGIN whose name has no end', inside, '4f 0000000000000005 6161', "'O', byte 9: a string has no end"],
  ['a TYPE whose name has no end', outside, '59 00000005 7300 6161', "'Y', byte 7: a string has no end"],
  ['a TYPE with more behind', outside, '59 00000005 7300 6100 00', "'Y', byte 9: bytes left over: 1"],

  [
    'a RELATION whose name is not UTF-8',
    outside,
    '52 00000001 7300 ff00 64 0000',
    "'R', byte 7: a string is not UTF-8",
  ],
  [
    'an unknown replica identity',
    outside,
    '52 00000001 7300 7400 78 0000',
    "'R', byte 9: no replica identity has this letter",
  ],
  [
    'more columns than fit',
    outside,
    '52 00000001 7300 7400 64 ffff 00',
    "'R', byte 12: more columns than the message has room for",
  ],
  [
    'unknown column flags',
    outside,
    '52 00000001 7300 7400 64 0001 02 00 00000019 ffffffff',
    "'R', byte 12: a column has unknown flags",
  ],
  [
    'a RELATION cut off',
    outside,
    '52 00000001 7300 7400 64 0001 00 6100 00000019 ffffff',
    "'R', byte 19: the message ends early",
  ],
  ['a RELATION with more behind', outside, '52 00000001 7300 7400 64 0000 00', "'R', byte 12: bytes left over: 1"],

  ['a row outside', outside, '49 00000001 4e 0002 6e 6e', "'I', byte 1: no transaction is open"],
  [
    'a row of an unknown relation',
    inside,
    '49 00000002 4e 0002 6e 6e',
    "'I', byte 1: a relation that was not announced",
  ],
  ['a row without a relation', inside, '49 000001', "'I', byte 1: the message ends early"],
  ['a row without a tuple', inside, '49 00000001', "'I', byte 5: the message ends early"],
  ['too few cells', inside, '49 00000001 4e 0001 6e', "'I', byte 6: a row of 1 cells, but its relation has 2 columns"],
  [
    'too many cells',
    inside,
    '49 00000001 4e 0003 6e 6e 6e',
    "'I', byte 6: a row of 3 cells, but its relation has 2 columns",
  ],
  ['a row cut off between cells', inside, '49 00000001 4e 0002 6e', "'I', byte 9: the row ends early"],
  ['an unknown cell', inside, '49 00000001 4e 0002 6e 78', "'I', byte 9: no cell is of this kind"],
  [
    'a cell whose length is cut off',
    inside,
    '49 00000001 4e 0002 6e 74 000000',
    "'I', byte 9: the length of a cell is cut off",
  ],
  [
    'a cell cut off',
    inside,
    '49 00000001 4e 0002 6e 74 00000002 61',
    "'I', byte 10: a cell passes the end of the message",
  ],
  [
    'a cell of negative length',
    inside,
    '49 00000001 4e 0002 6e 74 ffffffff 61',
    "'I', byte 10: a cell passes the end of the message",
  ],
  ['a row with more behind', inside, '49 00000001 4e 0002 6e 6e 6e', "'I', byte 10: bytes left over: 1"],
  ['an INSERT with an old key', inside, '49 00000001 4b 0002 6e 6e', "'I', byte 5: no tuple of this kind belongs here"],
  [
    'an UPDATE of an unknown tuple',
    inside,
    '55 00000001 58 0002 6e 6e',
    "'U', byte 5: no tuple of this kind belongs here",
  ],
  [
    'an UPDATE with two old keys',
    inside,
    '55 00000001 4b 0002 6e 6e 4b 0002 6e 6e',
    "'U', byte 10: no tuple of this kind belongs here",
  ],
  ['an UPDATE with an old row only', inside, '55 00000001 4f 0002 6e 6e', "'U', byte 10: the message ends early"],
  ['a DELETE with a new row', inside, '44 00000001 4e 0002 6e 6e', "'D', byte 5: no tuple of this kind belongs here"],
  [
    'a DELETE with a row behind its key',
    inside,
    '44 00000001 4b 0002 6e 6e 4e 0002 6e 6e',
    "'D', byte 10: bytes left over: 5",
  ],

  ['a TRUNCATE outside', outside, '54 00000001 00 00000001', "'T', byte 1: no transaction is open"],
  [
    'a TRUNCATE of an unknown relation',
    inside,
    '54 00000002 00 00000001 00000002',
    "'T', byte 10: a relation that was not announced",
  ],
  [
    'a TRUNCATE of more than it says',
    inside,
    '54 00000001 00 00000001 00000001',
    "'T', byte 6: the number of relations does not fit",
  ],
  [
    'a TRUNCATE of fewer than it says',
    inside,
    '54 00000002 00 00000001',
    "'T', byte 6: the number of relations does not fit",
  ],
  [
    'a TRUNCATE of far too many',
    inside,
    '54 40000001 00 00000001',
    "'T', byte 6: the number of relations does not fit",
  ],
  [
    'a logical message outside',
    outside,
    '4d 01 0000000000000001 7000 00000000',
    "'M', byte 16: no transaction is open",
  ],
  [
    'a logical message with flags',
    inside,
    '4d 02 0000000000000001 7000 00000000',
    "'M', byte 1: a logical message with unknown flags",
  ],
  [
    'a logical message cut off',
    inside,
    '4d 01 0000000000000001 7000 00000002 61',
    "'M', byte 16: the length of the content does not fit",
  ],
  [
    'a loose message with more behind',
    outside,
    '4d 00 0000000000000001 7000 00000000 61',
    "'M', byte 16: the length of the content does not fit",
  ],
];

describe('a damaged message is refused, with its kind and place', () => {
  test.each(damagedMessages)('%s', (_what, open, bytes, message) => {
    const error = failure(() => prepared(open).feed(hex(bytes)));
    expect(error.code).toBe('WEIR_PGOUTPUT_DAMAGED');
    expect(error.message).toBe(`replication message ${message}`);
  });

  const damagedRows = damagedMessages.filter(([, , bytes]) => /^(49|55|44)/.test(bytes));
  test.each(damagedRows)('%s, in a row that is left out', (_what, open, bytes, message) => {
    const session = prepared(open);
    session.host.bindings.get(pair.oid)!.skip = true;
    const error = failure(() => session.feed(hex(bytes)));
    expect(error.message).toBe(`replication message ${message}`);
    expect(session.close().skipped).toBe(0);
  });

  test.each(damagedRows)('%s, in a row of an unbound table or of a transaction that was delivered', (_what, open, bytes, message) => {
    const unbound = new Session();
    unbound.host.treatments.set(pair.oid, { leftOut: true });
    const delivered = new Session();
    delivered.host.delivered.add(5n);
    for (const session of [unbound, delivered]) {
      session.feed(encodeRelation(pair), ...(open ? [begin] : []));
      expect(failure(() => session.feed(hex(bytes))).message).toBe(`replication message ${message}`);
    }
  });
});

test.each([-1, 2])('a rewrite that leaves %i bytes of a cell of one is a fault of the connector', (length) => {
  const session = new Session();
  session.host.treatments.set(pair.oid, { rewrites: [{ place: 'slab', rewrite: () => length }, null] });
  session.feed(encodeRelation(pair), begin);
  expect(failure(() => session.feed(encodeInsert(pair.oid, ['1', '2'])))).toMatchObject({
    code: 'WEIR_SDK_USE',
    message: 'a cell has outgrown its place',
  });
});

describe('what was not asked for is refused for good', () => {
  const later: [version: ProtocolVersion, kinds: string, what: string][] = [
    [1, 'SEcA', 'belongs to protocol version 2 or later'],
    [1, 'bPKrp', 'belongs to protocol version 3 or later'],
    [2, 'SEcA', 'was not asked for'],
    [2, 'bPKrp', 'belongs to protocol version 3 or later'],
    [3, 'SEcAbPKrp', 'was not asked for'],
    [4, 'SEcAbPKrp', 'was not asked for'],
  ];
  test.each(later)('in version %i: %s', (version, kinds, what) => {
    for (const kind of kinds) {
      const session = new Session({ version }).feed(encodeRelation(pair), begin);
      const error = failure(() => session.feed(Uint8Array.from(Buffer.from(`${kind}abc`))));
      expect(error.code).toBe('WEIR_PGOUTPUT_UNSUPPORTED');
      expect(error.message).toBe(`replication message '${kind}', byte 0: ${what}`);
    }
  });

  test.each([false, true])('a binary cell, skipped: %s', (skip) => {
    const session = prepared(true);
    session.host.bindings.get(pair.oid)!.skip = skip;
    const error = failure(() => session.feed(hex('49 00000001 4e 0002 6e 62 00000001 61')));
    expect(error.code).toBe('WEIR_PGOUTPUT_UNSUPPORTED');
    expect(error.message).toBe("replication message 'I', byte 9: a cell in binary format");
  });
});

describe('an error leaves the writer whole', () => {
  const rowsAround = (rewrites: boolean, damagedRow: string) => {
    const session = new Session();
    if (rewrites) session.host.treatments.set(pair.oid, { rewrites: [doubled, doubled] });
    session.feed(encodeRelation(pair), begin, encodeInsert(pair.oid, ['1', 'one']));
    failure(() => session.feed(hex(damagedRow)));
    // Only to show that the arrays are in order; a session is opened again after an error.
    session.feed(encodeInsert(pair.oid, ['2', 'two']));
    return session.rows().map(({ after }) => after);
  };

  test.each(['49 00000001 4e 0002 74 00000001 61 78', '55 00000001 4f 0002 74 00000001 61 6e 4e 0002 74 00000001 61 78'])(
    'the half row is dropped: %s',
    (row) => {
      expect(rowsAround(false, row)).toEqual([['1', 'one'], ['2', 'two']]);
      expect(rowsAround(true, row)).toEqual([['<11>', '<oneone>'], ['<22>', '<twotwo>']]);
    },
  );

  test('a rewrite that throws drops the row', () => {
    const session = new Session();
    const rewrite = (): never => {
      throw new WeirError('WEIR_PG_QUERY', 'not a number');
    };
    session.host.treatments.set(pair.oid, { rewrites: [dropFirstByte, { place: 'spill', rewrite }] });
    session.feed(encodeRelation(pair), begin);
    expect(failure(() => session.feed(encodeInsert(pair.oid, ['1', '2']))).code).toBe('WEIR_PG_QUERY');
    expect(session.writer.rows).toBe(0);
  });

  test('a truncate of which one relation is unknown writes nothing', () => {
    const session = prepared(true);
    failure(() => session.feed(hex('54 00000002 00 00000001 00000002')));
    expect(session.writer.rows).toBe(0);
  });
});

test('bytes of a row are in no error (invariant 10)', () => {
  const secret = Buffer.from('secret').toString('hex');
  const error = failure(() => prepared(true).feed(hex(`49 00000001 4e 0002 74 00000006 ${secret} 78 ${secret}`)));
  expect(JSON.stringify([error.message, error.fix, error.cause])).not.toContain('secret');
});

test.each(['columns', 'rewrites'] as const)('a binding with another number of %s is refused', (which) => {
  const session = new Session();
  const decoder = new PgoutputDecoder({
    relation(relation) {
      const binding = session.host.relation(relation)!;
      return which === 'rewrites'
        ? { ...binding, rewrites: [null] }
        : { ...binding, table: { ...binding.table, columns: binding.table.columns.slice(1) } };
    },
    begin: () => null,
    commit: () => {},
  });
  const start = session.writer.append(encodeRelation(pair));
  const error = failure(() => decoder.decode(session.writer, start, session.writer.used));
  expect(error.code).toBe('WEIR_PGOUTPUT_DAMAGED');
  expect(error.message).toBe("replication message 'R', byte 0: its binding has another number of columns");
});

test('a message that is not in the slab is a fault of the caller', () => {
  const session = prepared(true);
  const { used } = session.writer;
  expect(failure(() => session.decoder.decode(session.writer, used - 1, used + 1)).code).toBe('WEIR_SDK_USE');
});
