import { expect, test } from 'vitest';
import { statementKind, type StatementKind } from './statement-kind.ts';
import { xidOf } from './xid.ts';

test.each<[string, StatementKind]>([
  ['BEGIN', 'begin'],
  ['begin work', 'begin'],
  ['START TRANSACTION', 'begin'],
  ['COMMIT', 'commit'],
  ['ROLLBACK', 'rollback'],
  ['ROLLBACK /* added by mysqlbinlog */', 'rollback'],
  ['ROLLBACK TO `a`', 'rollback to'],
  ['ROLLBACK WORK TO SAVEPOINT a', 'rollback to'],
  ['SAVEPOINT `a`', 'savepoint'],
  ['RELEASE SAVEPOINT a', 'savepoint'],
  ["XA START X'61',X'',1", 'xa start'],
  ["XA BEGIN X'61',X'',1", 'xa start'],
  ["XA END X'61',X'',1", 'xa end'],
  ["XA PREPARE X'61',X'',1", 'xa prepare'],
  ["XA COMMIT X'61',X'',1", 'xa commit'],
  ["XA ROLLBACK X'61',X'',1", 'xa rollback'],
  ['XA RECOVER', 'definition'],
  ['INSERT INTO t VALUES (1)', 'data'],
  ['update t set a = 1', 'data'],
  ['REPLACE t SELECT 1', 'data'],
  ['/* a comment */ DELETE FROM t', 'data'],
  ['-- a comment\n# another\n  /* and /* one */insert into t values (1)', 'data'],
  ['--x', 'definition'],
  [`/*${' '.repeat(10_000)}*/ INSERT t VALUES (1)`, 'data'],
  ['/*!50003 CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW SET @a = 1 */', 'definition'],
  ['/*M!100100 INSERT INTO t VALUES (1) */', 'data'],
  ['CREATE TABLE beginning (a INT)', 'definition'],
  ['TRUNCATE TABLE t', 'definition'],
  ['GRANT SELECT ON *.* TO a', 'definition'],
  ['`insert`', 'definition'],
  ['# Dummy event replacing event type 160 that slave cannot handle.', 'comment'],
  ['', 'comment'],
])('%s', (text, kind) => {
  expect(statementKind(text)).toBe(kind);
});

test('an XA transaction is named alike, however it is written', () => {
  expect(xidOf("XA COMMIT X'6A6B',x'', 1")).toBe("X'6a6b',X'',1");
  expect(xidOf("XA START X'6a6b',X'01',-1")).toBe("X'6a6b',X'01',-1");
  expect(xidOf('XA COMMIT 1')).toBeNull();
});
