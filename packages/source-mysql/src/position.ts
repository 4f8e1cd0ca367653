import { WeirError, packVersion, type Position } from '@weir/sdk';
import type { LogPosition } from '@weir/binlog';

/**
 * Positions of MySQL and MariaDB, numbers of fixed width so that they compare bytewise (invariant 2):
 *
 * - a row: `epoch.file.offset.ordinal` of its transaction's first event, ordinals from 1; `Commit.position` has ordinal 1
 * - a boundary: `epoch.file.offset.0000000000` of the byte behind a transaction. That is at most where the next one starts, so
 *   it sorts between.
 * - a chunk of a copy: the boundary at which the stream stands, then `.copy.sequence`. A copy that is started again has a higher
 *   number, so what it brings is never taken for a replay of the copy before.
 *
 * The file is the number at the end of its name: names do not sort, `binlog.1000000` comes before `binlog.999999`. Numbers
 * are decimal, as the server prints them. The epoch rises where the files start anew: at another server after a failover, after
 * RESET, or under another name of the log.
 */
export function commitPosition(epoch: number, start: LogPosition): Position {
  return `${placeText(epoch, start)}.${padded(1, COUNT_DIGITS)}`;
}

/** @param end the byte behind a transaction, or where a file starts */
export function boundaryPosition(epoch: number, end: LogPosition): Position {
  return `${placeText(epoch, end)}.${padded(0, COUNT_DIGITS)}`;
}

/**
 * @param at the boundary at which the stream stands
 * @param copy from 1
 * @param sequence from 1
 */
export function chunkPosition(epoch: number, at: LogPosition, copy: number, sequence: number): Position {
  return `${boundaryPosition(epoch, at)}.${padded(copy, COUNT_DIGITS)}.${padded(sequence, COUNT_DIGITS)}`;
}

const EPOCH_DIGITS = 4;
const FILE_DIGITS = 10;
const OFFSET_DIGITS = 16;
const COUNT_DIGITS = 10;
const positionText = /^(\d{4})\.(\d{10})\.(\d{16})\.(\d{10})(?:\.(\d{10})\.(\d{10}))?$/u;

/** The parts of a position. */
export interface PositionParts {
  readonly epoch: number;
  /** The number of the file. */
  readonly file: number;
  readonly offset: number;
  /** 0 at a boundary. */
  readonly ordinal: number;
  /** How many copies had begun; 0 where the position is not one of a chunk. */
  readonly copy: number;
}

/** @throws WeirError WEIR_MYSQL_CHECKPOINT */
export function parsePosition(position: Position): PositionParts {
  const [, epoch, file, offset, ordinal, copy = '0'] = positionText.exec(position) ?? refuse(position);
  const parts = { epoch: Number(epoch), file: Number(file), offset: Number(offset), ordinal: Number(ordinal), copy: Number(copy) };
  if (!Number.isSafeInteger(parts.offset) || parts.epoch > MAX_EPOCH || parts.file > MAX_FILE) refuse(position);
  return parts;
}

function refuse(position: Position): never {
  throw new WeirError('WEIR_MYSQL_CHECKPOINT', `not a position of MySQL: ${position.slice(0, 80)}`);
}

/**
 * How many copies were begun where a start goes on, so that the next is numbered beyond what any sink has of one.
 * @param copies that of the checkpoint
 * @param reach the furthest position of any sink; null when no sink has one
 */
export function copiesBegun(copies: number, reach: Position | null): number {
  return reach === null ? copies : Math.max(copies, parsePosition(reach).copy);
}

/**
 * The epoch in which a pipeline goes on where the files start anew, so that what it gives from there on lies beyond what any
 * sink holds.
 * @param from position of the checkpoint; null when there is none
 * @param reach the furthest position of any sink; null when no sink has one
 */
export function nextEpoch(from: Position | null, reach: Position | null): number {
  const known = [from, reach].filter((position) => position !== null);
  return Math.max(-1, ...known.map((position) => parsePosition(position).epoch)) + 1;
}

const MAX_EPOCH = 2047;
/** As MySQL has it; its names end there. */
const MAX_FILE = 0x7fff_ffff;
const VERSION_FILE_BITS = 23n;
const VERSION_OFFSET_BITS = 29n;
/** A transaction has two events at least, of 19 bytes and more each, so two do not begin in the same 32 bytes. */
const VERSION_UNIT = 32;
const MAX_VERSION_UNITS = 2 ** Number(VERSION_OFFSET_BITS) - 1;

/**
 * `Commit.version` of what starts at a place: the number of the file in 23 bits, then the offset in units of 32 bytes in 29
 * bits. What starts behind 16 GiB of one file, which only a server does that writes several huge transactions at once, has the
 * same version as what comes before it there.
 * @throws WeirError WEIR_MYSQL_LOG_SETTINGS behind file 8,388,607, with what to do
 */
export function commitVersion(epoch: number, { file, offset }: LogPosition): bigint {
  const number = BigInt(fileNumber(file));
  if (number >= 1n << VERSION_FILE_BITS) {
    const fix = 'Start the numbers of the log anew: RESET BINARY LOGS AND GTIDS; (MariaDB: RESET MASTER;), then copy all tables again.';
    throw new WeirError('WEIR_MYSQL_LOG_SETTINGS', `the log ${file} has too high a number`, { fix });
  }
  const units = Math.min(Math.floor(offset / VERSION_UNIT), MAX_VERSION_UNITS);
  return packVersion(epoch, (number << VERSION_OFFSET_BITS) | BigInt(units));
}

/**
 * The number at the end of a log's name, `binlog.000017`.
 * @throws WeirError WEIR_BINLOG_DAMAGED when it has none
 */
export function fileNumber(file: string): number {
  const [, digits] = /\.(\d{1,10})$/u.exec(file) ?? [];
  const number = Number(digits ?? Number.NaN);
  if (!(number <= MAX_FILE)) throw new WeirError('WEIR_BINLOG_DAMAGED', 'the name of a log does not end in a number');
  return number;
}

/** Negative when `a` comes before `b` in logs of one epoch, 0 when they are the same place, positive when after. */
export function comparePlaces(a: LogPosition, b: LogPosition): number {
  return (a.file === b.file ? 0 : fileNumber(a.file) - fileNumber(b.file)) || a.offset - b.offset;
}

/** A log's name without its number: under another one the numbers start anew. */
export function fileBase(file: string): string {
  return file.replace(/\.\d{1,10}$/u, '');
}

function placeText(epoch: number, { file, offset }: LogPosition): string {
  return `${padded(epoch, EPOCH_DIGITS)}.${padded(fileNumber(file), FILE_DIGITS)}.${padded(offset, OFFSET_DIGITS)}`;
}

function padded(value: number, digits: number): string {
  return value.toString().padStart(digits, '0');
}
