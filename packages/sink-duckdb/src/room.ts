import { totalmem } from 'node:os';

const MIB = 2 ** 20;
/** How often a large row may lie in DuckDB's memory at once: seen with rows of 64 MiB. */
const LARGE_ROW_COPIES = 6.5;
/**
 * DuckDB 1.5 takes a block of 256 KiB for the values of a column and one for its NULLs as soon as a row is appended, and has
 * those of all columns in memory at once, however few rows there are: when a row is inserted, when its log is put in its
 * place after a crash, and, for the old and for the new rows, when a checkpoint joins groups of rows.
 */
const COLUMN_BYTES = MIB / 2;
/** Columns of rows that are read, of rows that are written, and of a second thread. */
const COLUMN_COPIES = 3;
/** What DuckDB needs beside. */
const BASE = 32 * MIB;
/**
 * What DuckDB 1.5 cannot spill of a table that a commit appends to, until the next checkpoint: who may see its rows, and for
 * each column rows in pieces of up to 32 KiB, which it has twice while they are committed.
 */
const TABLE_BYTES = 256 * 2 ** 10;
const TABLE_COLUMN_BYTES = 64 * 2 ** 10;
/**
 * A checkpoint costs 1 to 2 ms for each table that was written since the last one, as much as about a thousand rows, however
 * few they are. So a file of many tables has a longer log between two, 64 KiB for each, and no less than DuckDB's own 16 MiB.
 */
const TABLE_LOG_BYTES = 64 * 2 ** 10;
const LEAST_LOG_BYTES = 16 * MIB;
/** A longer log is not for the time that it takes to open the file after a crash. */
const MOST_LOG_BYTES = 64 * MIB;
/** How many groups of rows DuckDB joins in a checkpoint unless told otherwise. */
const ALL_VACUUM_TASKS = 100;

/** DuckDB's memory, in bytes, for a file with a row of so many. */
export function roomForRow(bytes: number): number {
  return bytes * LARGE_ROW_COPIES + BASE;
}

/** DuckDB's memory, in bytes, for a file with a table of so many columns. Tables do not add up: what rests is spilled. */
export function roomForColumns(columns: number): number {
  return columns * COLUMN_BYTES * COLUMN_COPIES + BASE;
}

/** DuckDB's memory, in bytes, for commits to so many tables, which have so many columns together. */
export function roomForTables(tables: number, columns: number): number {
  return tables * TABLE_BYTES + columns * TABLE_COLUMN_BYTES + BASE;
}

/** Bytes of log that may gather before a checkpoint, for commits to so many tables. */
export function roomForLog(tables: number): number {
  return Math.min(Math.max(LEAST_LOG_BYTES, tables * TABLE_LOG_BYTES), MOST_LOG_BYTES);
}

/** How many groups of rows DuckDB may join in a checkpoint: each thread that joins some needs memory for all columns. */
export function vacuumTasks(limit: number, columns: number, threads: number): number {
  const fitting = Math.floor((limit - BASE) / (columns * COLUMN_BYTES)) - 1;
  return fitting >= threads ? ALL_VACUUM_TASKS : Math.max(1, fitting);
}

/** The memory, in bytes, that DuckDB would take if it was not told: four fifths of what there is. */
export function mostRoom(): number {
  const there = process.constrainedMemory();
  return Math.floor(0.8 * Math.min(totalmem(), there > 0 ? there : Infinity));
}
