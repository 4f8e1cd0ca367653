import { expect, it } from 'vitest';
import { listedXid } from './settling-xa.ts';

it.each([
  [['1', '2', '0', "'ab'"], "X'6162',X'',1"],
  [['1', '2', '0', "X'61FF'"], "X'61ff',X'',1"],
  [['1', '2', '1', "'ab','c'"], "X'6162',X'63',1"],
  [['-7', '2', '1', "X'0061',X'27',-7"], "X'0061',X'27',-7"],
  [['7', '1', '0', "'a','',7"], "X'61',X'',7"],
])('a listed XA transaction has the name that the log has: %j', (row, xid) => {
  expect(listedXid(row)).toBe(xid);
});

it.each([[['1', '3', '0', "'ab'"]], [['1', '2', '0', 'ab']], [['1', '3', '0', "'a'b'"]]])('what has another form has no name: %j', (row) => {
  expect(listedXid(row)).toBeNull();
});
