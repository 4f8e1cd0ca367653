import type { Spill } from '@weir/sdk';
import { MINUS, writeNumber, writePadded } from '../digits.ts';
import { MysqlType } from '../mysql-type.ts';
import { Moment, SPACE, writeDate, writeServerClock } from '../moment.ts';

const COLON = 0x3a;

/**
 * Appends a DATE, DATETIME, TIMESTAMP or TIME of a document, quotes and all: the 24 lower bits of the eight bytes, little-endian, are
 * microseconds, those above the parts of date and time (sql-common/my_time.cc, TIME_from_longlong_packed).
 */
export function writeJsonMoment(spill: Spill, type: number, data: Uint8Array, at: number): void {
  let packed = 0n;
  for (let i = 7; i >= 0; i--) packed = (packed << 8n) | BigInt(data[at + i]!);
  packed = BigInt.asIntN(64, packed);
  const negative = packed < 0n;
  if (negative) packed = -packed;
  const micros = Number(packed & 0xff_ffffn);
  const parts = packed >> 24n;
  spill.ascii('"');
  if (type === MysqlType.time) writeTime(spill, negative, Number(parts & 0x3f_ffffn), micros);
  else writeMoment(spill, type, Number(parts >> 17n), Number(parts & 0x1_ffffn), micros);
  spill.ascii('"');
}

function writeTime(spill: Spill, negative: boolean, clock: number, micros: number): void {
  const hour = clock >> 12;
  if (negative) spill.byte(MINUS);
  if (hour < 100) writePadded(spill, hour, 2);
  else writeNumber(spill, hour);
  spill.byte(COLON);
  writePadded(spill, (clock >> 6) & 63, 2);
  spill.byte(COLON);
  writePadded(spill, clock & 63, 2);
  spill.ascii('.');
  writePadded(spill, micros, 6);
}

function writeMoment(spill: Spill, type: number, date: number, clock: number, micros: number): void {
  const moment = new Moment();
  const months = Math.floor(date / 32);
  moment.day = date % 32;
  moment.month = months % 13;
  moment.year = Math.floor(months / 13) % 10_000;
  writeDate(spill, moment);
  if (type === MysqlType.date) return;
  moment.hour = (clock >> 12) & 31;
  moment.minute = (clock >> 6) & 63;
  moment.second = clock & 63;
  moment.fraction = micros;
  spill.byte(SPACE);
  writeServerClock(spill, moment, 6);
}
