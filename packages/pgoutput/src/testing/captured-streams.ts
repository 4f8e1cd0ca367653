const x100 = '78'.repeat(100);

/**
 * Messages of versions 2 to 4 as PostgreSQL 18.4 sent them, with logical_decoding_work_mem = 64kB, for the tables `shop.item`
 * (id int primary key, note text, mood shop.mood) and `shop.other` (id int primary key).
 */
export const streams = {
  // begin; insert into shop.item select i, repeat('x', 100), 'ok' from generate_series(1, 1200) i;
  start: '53000002f201',
  startAgain: '53000002f200',
  stop: '45',
  type: '59000002f20000400273686f70006d6f6f6400',
  relation:
    '52000002f20000400773686f70006974656d006400030169640000000017ffffffff006e6f74650000000019ffffffff' +
    '006d6f6f640000004002ffffffff',
  insertOne: `49000002f2000040074e00037400000001317400000064${x100}74000000026f6b`,
  // savepoint a; select pg_logical_emit_message(true, 'in-a', 'lost'); insert … generate_series(5000, 6199)
  messageInSavepoint: '4d000002f20100000000017c7110696e2d6100000000046c6f7374',
  insertInSavepoint: `49000002f3000040074e00037400000004353030307400000064${x100}74000000026f6b`,
  // rollback to a
  abortSavepoint: '41000002f2000002f3',
  abortSavepointParallel: '41000002f2000002f3000000000180bcd00003041c90773766',
  // select pg_logical_emit_message(true, 'top', 'kept')
  message: '4d000002f201000000000180bd10746f7000000000046b657074',
  // savepoint b; truncate shop.other; delete from shop.item where id = 2; release b
  relationOther: '52000002f50000400f73686f70006f74686572006400010169640000000017ffffffff',
  truncate: '54000002f500000001000000400f',
  delete: '44000002f5000040074b00037400000001326e6e',
  // commit
  commit: '63000002f200000000000185101000000000018510f00003041c7defe4e3',
  // in a session with pg_replication_origin_session_setup('elsewhere')
  origin: '4f0000000000000000656c7365776865726500',

  // begin; insert into shop.item values (-100, 'p', 'bad'); prepare transaction 'gid one'; commit prepared 'gid one'
  beginPrepare: '6200000000018dadb800000000018daeb00003041c7df21210000002fb676964206f6e6500',
  insertPrepared: '49000040074e000374000000042d3130307400000001707400000003626164',
  prepare: '500000000000018dadb800000000018daeb00003041c7df21210000002fb676964206f6e6500',
  commitPrepared: '4b0000000000018daeb000000000018daef00003041c7df214f2000002fb676964206f6e6500',
  // the same as 'gid two', with rollback prepared
  rollbackPrepared: '720000000000018db07000000000018db0b00003041c7df2195c0003041c7df21b62000002fc6769642074776f00',
  // a large one as 'gid three'
  streamPrepare: '7000000000000191fc48000000000191fd480003041c7df23a4e000002fd67696420746872656500',
} as const;
