import { MariadbGtidPosition, MysqlGtidSet, type LogPosition } from '@weir/binlog';
import { WeirError, type Checkpoint, type Json } from '@weir/sdk';
import { z } from 'zod';
import { boundaryPosition, fileNumber, parsePosition } from './position.ts';
import { alterationState, type Alteration } from './schema/alteration.ts';
import { preparedXaState, type PreparedXa } from './xa/prepared-transactions.ts';

/** Which of the two servers wrote a log; it says what a set of GTIDs looks like. */
export type Flavour = 'mysql' | 'mariadb';

/** What the checkpoint remembers of one column, in the order of the log. */
export interface ColumnState {
  readonly name: string;
  /** COLUMN_TYPE, or `json` for what MariaDB keeps as text and checks; see `CellOptions.sourceType`. */
  readonly type: string;
  readonly nullable: boolean;
  /** Absent where the column has no characters. */
  readonly charset?: string | undefined;
  /** It is in the log, and no part of the table: a generated column. */
  readonly leftOut?: true | undefined;
}

/** What the checkpoint remembers of one table. */
export interface TableState {
  readonly namespace: string;
  readonly name: string;
  /** `SchemaChange.reason` of its copy. */
  readonly reason: 'first' | 'new' | 'again';
  /** Counts the shapes of the table since the pipeline began. */
  readonly version: number;
  /** None before its copy has begun. */
  readonly columns: readonly ColumnState[];
  /** Indexes into `columns`, in key order. */
  readonly key: readonly number[];
  /** What statements did to it that no row of it has come behind, in their order; absent when there are none. */
  readonly altered?: readonly Alteration[] | undefined;
  /** How far its copy is; absent when nothing is left to copy. */
  readonly copy?: CopyState | undefined;
}

/** How far a copy by key is. Keys behind `upTo` are still to be read: what the stream says of them is left out. */
export interface CopyState {
  /** Canonical cells of the highest key that was read; null before the first. */
  readonly upTo: readonly string[] | null;
  /** How many rows were read. */
  readonly rows: number;
  /** Sinks have the table, and write only ranges in which they have other rows: see `Chunk.compare`. */
  readonly compare?: true | undefined;
}

/** `Checkpoint.state`: where the stream goes on, and what its rows look like there. */
export interface MysqlState {
  readonly v: 1;
  readonly flavour: Flavour;
  /** `@@server_uuid`; of MariaDB, which has none, `@@gtid_domain_id-@@server_id`. */
  readonly server: string;
  /** Rises where the files of the log start anew. */
  readonly epoch: number;
  /** How often a copy was begun. */
  readonly copies: number;
  /**
   * The transactions that are complete at `file` and `offset`: a set of MySQL's, or MariaDB's position in each domain. A
   * transaction is one of them from its end on, not from its GTID event. Null where the server has GTIDs off.
   */
  readonly gtids: string | null;
  /** Where the log goes on behind the last complete transaction, at `server`. */
  readonly file: string;
  readonly offset: number;
  /**
   * When the server began `file`, in seconds since 1970 by its clock; absent before the stream has heard it. A file of that name
   * with another time is one of another log.
   */
  readonly fileTime?: number | undefined;
  readonly tables: readonly TableState[];
  /** The XA transactions that are in doubt there; absent when there are none. */
  readonly prepared?: readonly PreparedXa[] | undefined;
}

const count = z.int().min(0);

function isLogName(file: string): boolean {
  try {
    return fileNumber(file) >= 0;
  } catch {
    return false;
  }
}

const name = z.string().min(1);

const columnState: z.ZodType<ColumnState> = z.strictObject({
  name,
  type: name,
  nullable: z.boolean(),
  charset: name.optional(),
  leftOut: z.literal(true).optional(),
});

const tableState: z.ZodType<TableState> = z
  .strictObject({
    namespace: name,
    name,
    reason: z.enum(['first', 'new', 'again']),
    version: z.int().min(1),
    columns: z.array(columnState),
    key: z.array(count),
    altered: z.array(alterationState).optional(),
    copy: z.strictObject({ upTo: z.array(z.string()).nullable(), rows: count, compare: z.literal(true).optional() }).optional(),
  })
  .refine(({ columns, copy }) => columns.length > 0 || copy?.upTo === null)
  .refine(({ columns, key }) => new Set(key).size === key.length && key.every((at) => at < columns.length && columns[at]!.leftOut === undefined));

const mysqlState: z.ZodType<MysqlState> = z
  .strictObject({
    v: z.literal(1),
    flavour: z.enum(['mysql', 'mariadb']),
    server: name,
    epoch: z.int().min(0).max(2047),
    copies: count,
    gtids: z.string().nullable(),
    file: z.string().refine(isLogName),
    offset: count.max(Number.MAX_SAFE_INTEGER),
    fileTime: count.max(0xffff_ffff).optional(),
    tables: z.array(tableState),
    prepared: z.array(preparedXaState).optional(),
  })
  .refine(({ prepared = [] }) => new Set(prepared.map(({ xid }) => xid)).size === prepared.length)
  .refine(({ tables }) => new Set(tables.map((table) => JSON.stringify([table.namespace, table.name]))).size === tables.length);

/**
 * @throws WeirError WEIR_MYSQL_CHECKPOINT when another version or connector wrote it, or it is damaged: also where its position
 * is not the place that its state says
 */
export function readState(checkpoint: Checkpoint): MysqlState {
  const { success, data, error } = mysqlState.safeParse(checkpoint.state);
  if (!success) throw refused(error.issues[0]?.path.join('.') || 'all of it');
  parsePosition(checkpoint.position);
  if (!checkpoint.position.startsWith(boundaryPosition(data.epoch, placeOf(data)))) throw refused('position');
  gtidsOf(data);
  return data;
}

export function stateJson(state: MysqlState): Json {
  return state as unknown as Json;
}

/** Where the log goes on. */
export function placeOf({ file, offset }: MysqlState): LogPosition {
  return { file, offset };
}

/**
 * The GTIDs of a state; null where the server has them off.
 * @throws WeirError WEIR_MYSQL_CHECKPOINT
 */
export function gtidsOf({ flavour, gtids }: Pick<MysqlState, 'flavour' | 'gtids'>): MysqlGtidSet | MariadbGtidPosition | null {
  if (gtids === null) return null;
  try {
    return flavour === 'mysql' ? MysqlGtidSet.parse(gtids) : MariadbGtidPosition.parse(gtids);
  } catch {
    throw refused('gtids');
  }
}

function refused(what: string): WeirError {
  return new WeirError('WEIR_MYSQL_CHECKPOINT', `the checkpoint has a form that this version does not know: ${what.slice(0, 200)}`);
}
