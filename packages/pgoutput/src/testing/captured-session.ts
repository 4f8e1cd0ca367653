
const x3000 = '78'.repeat(3000);
const y2100 = '79'.repeat(2100);
const k2200 = '6b'.repeat(2200);

/**
 * Messages as PostgreSQL 18.4 sent them (`pg_logical_slot_get_binary_changes`, proto_version 1, messages on), from this:
 *
 * create type shop.mood as enum ('ok', 'bad');
 * create table shop.item (id int primary key, note text, price numeric(10,2), mood shop.mood);
 * create table shop.full_item (id int, note text); alter table shop.full_item replica identity full;
 * create table shop.key_note (code text primary key, n int);
 * The texts of 2,000 bytes and more are stored out of line. Behind it came the statements named below.
 */
export const captured = {
  moodType: '590000400273686f70006d6f6f6400',
  itemRelation:
    '520000400773686f70006974656d006400040169640000000017ffffffff006e6f74650000000019ffffffff' +
    '00707269636500000006a4000a0006006d6f6f640000004002ffffffff',
  fullItemRelation:
    '520000400f73686f700066756c6c5f6974656d006600020169640000000017ffffffff016e6f74650000000019ffffffff',
  keyNoteRelation: '520000401473686f70006b65795f6e6f74650064000201636f64650000000019ffffffff006e0000000017ffffffff',

  // insert into shop.item values (1, null, 12.50, 'ok'), (2, repeat('x', 3000), -1, null)
  begin: '42000000000178a9a0000303c6318ed021000002f1',
  insertOne: '49000040074e00047400000001316e740000000531322e353074000000026f6b',
  insertTwo: `49000040074e00047400000001327400000bb8${x3000}74000000052d312e30306e`,
  commit: '4300000000000178a9a0000000000178a9d0000303c6318ed021',

  // update shop.item set price = 3 where id = 2
  updateUnchanged: '55000040074e0004740000000132757400000004332e30306e',
  // update shop.item set id = 3 where id = 1
  updateKey: '55000040074b00047400000001316e6e6e4e00047400000001336e740000000531322e353074000000026f6b',
  // delete from shop.item where id = 2
  deleteKey: '44000040074b00047400000001326e6e6e',

  // update shop.full_item set id = 9 where id = 1 (note is repeat('y', 2100))
  updateFull: `550000400f4f00027400000001317400000834${y2100}4e000274000000013975`,
  // delete from shop.full_item where id = 2
  deleteFull: '440000400f4f0002740000000132740000000573686f7274',

  // select pg_logical_emit_message(false, 'loose', 'x')
  looseMessage: '4d00000000000178c0c86c6f6f736500000000' + '0178',
  // select pg_logical_emit_message(true, 'weir', 'héllo')
  message: '4d01000000000178c08877656972000000000668c3a96c6c6f',
  // truncate shop.item, shop.full_item restart identity cascade
  truncate: '540000000203000040070000400f',

  // update shop.key_note set n = 2 (code is repeat('k', 2200): the old key is sent since the new one is out of line)
  updateLongKey: `55000040144b0002740000${(2200).toString(16).padStart(4, '0')}${k2200}6e4e000275740000000132`,
} as const;

/** Bytes from hexadecimal digits; blanks may part them. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'));
}
