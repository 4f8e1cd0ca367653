import { same, typeCase, type PostgresTypeCase } from './type-case.ts';

const other = { kind: 'other' } as const;

/** What PostgreSQL uses for itself; `oid`, `xid`, `xid8` and `cid` are among the numbers. */
export const systemCases: readonly PostgresTypeCase[] = [
  typeCase('a_tid', 'tid', other, same('(0,0)', '(4294967295,65535)')),
  typeCase('a_pg_lsn', 'pg_lsn', other, same('0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF')),
  typeCase('a_pg_snapshot', 'pg_snapshot', other, same('10:20:10,14,15', '10:10:')),
  typeCase('a_txid_snapshot', 'txid_snapshot', other, same('10:20:10,14,15')),
  typeCase('an_int2vector', 'int2vector', other, same('1 2 3', '')),
  typeCase('an_oidvector', 'oidvector', other, same('1 4294967295', '')),
  typeCase('an_aclitem', 'aclitem', other, same('pg_monitor=r*w/pg_read_all_data', '=r/pg_monitor')),
  typeCase('a_regclass', 'regclass', other, [
    ...same('-', 'pg_class', 'items', 'shop."My Table"'),
    ["'4294967295'", '4294967295'],
  ]),
  typeCase('a_regcollation', 'regcollation', other, same('-', '"C"')),
  typeCase('a_regconfig', 'regconfig', other, same('-', 'english')),
  typeCase('a_regdictionary', 'regdictionary', other, same('-', 'simple')),
  typeCase('a_regnamespace', 'regnamespace', other, same('-', 'shop')),
  typeCase('a_regoper', 'regoper', other, [["'0'", '0'], ...same('||/')]),
  typeCase('a_regoperator', 'regoperator', other, [["'0'", '0'], ...same('*(integer,integer)', '-(NONE,integer)')]),
  typeCase('a_regproc', 'regproc', other, same('-', 'now')),
  typeCase('a_regprocedure', 'regprocedure', other, same('-', 'sum(integer)')),
  typeCase('a_regrole', 'regrole', other, same('-', 'pg_monitor')),
  typeCase('a_regtype', 'regtype', other, same('-', 'integer', 'shop.date', 'mood[]')),
  // Their values are made by the server for its own catalogs alone.
  ...['gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary', 'pg_dependencies', 'pg_mcv_list'].map((name) =>
    typeCase(`a_${name}`, name, other, [], { arrays: name === 'gtsvector' }),
  ),
  typeCase('a_pg_ndistinct', 'pg_ndistinct', other, [], { arrays: false }),
  typeCase('a_pg_node_tree', 'pg_node_tree', other, [], { arrays: false }),
];
