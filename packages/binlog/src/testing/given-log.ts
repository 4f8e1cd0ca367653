import fc from 'fast-check';
import type { BinlogColumn } from '../cells/cell-decoder.ts';
import { MysqlType, realType } from '../cells/mysql-type.ts';
import { isText } from '../encoding/table-map-body.ts';
import type { TableMap } from '../table-map.ts';
import { valueWidth } from '../value-width.ts';
import type { Treatment } from './recording-host.ts';
import { column } from './tables.ts';

const MOST_COLUMNS = 19;

/** A table of the generated database. */
export interface GivenTable {
  readonly map: TableMap;
  readonly treatment: Treatment & { readonly cells: NonNullable<Treatment['cells']> };
  /** The server's number of the table is one that another table had before. */
  readonly metadata: 'none' | 'minimal' | 'full';
  readonly listCharsets: boolean;
}

/** Values for more columns than a table has; NULL is null. */
export type GivenRow = readonly (Uint8Array | null)[];

export interface GivenRows {
  readonly kind: 'insert' | 'update' | 'delete';
  /** Counted on past the last table from the first. */
  readonly table: number;
  readonly rows: readonly { readonly old: GivenRow; readonly new: GivenRow }[];
  /** Columns that the images leave out where the format allows it. */
  readonly absentBefore: readonly boolean[];
  readonly absentAfter: readonly boolean[];
  readonly version: 1 | 2;
  readonly extra: Uint8Array;
  readonly endsStatement: boolean;
  /** MariaDB alone. */
  readonly compressed: boolean;
  /** Before it the host turns whether the table's rows are skipped. */
  readonly toggle: boolean;
}

export interface GivenTransaction {
  /** Delivered before, so that the host leaves it out. */
  readonly delivered: boolean;
  /** MySQL: in one compressed event. */
  readonly payload: 'zstd' | 'none' | null;
  /** Kept up to an XA COMMIT, under another GTID, or rolled back. */
  readonly xa: 'commit' | 'one phase' | 'rollback' | null;
  readonly changes: readonly GivenRows[];
  readonly end: 'xid' | 'commit';
  /** A definition stands alone behind it. */
  readonly definition: boolean;
}

export interface GivenLog {
  readonly flavour: 'mysql' | 'mariadb';
  readonly checksums: boolean;
  readonly tables: readonly GivenTable[];
  readonly transactions: readonly GivenTransaction[];
  /** After so many rows each, in turn, a batch is closed. */
  readonly rowLimits: readonly number[];
}

const bytesOf = (...lengths: number[]): fc.Arbitrary<Uint8Array>[] => lengths.map((value) => fc.constant(Uint8Array.of(value)));

/** Type and metadata, and what goes with them. */
const kinds: readonly (readonly [type: number, meta: number])[] = [
  [MysqlType.tiny, 0],
  [MysqlType.short, 0],
  [MysqlType.int24, 0],
  [MysqlType.long, 0],
  [MysqlType.longlong, 0],
  [MysqlType.float, 4],
  [MysqlType.double, 8],
  [MysqlType.year, 0],
  [MysqlType.date, 0],
  [MysqlType.timestamp2, 3],
  [MysqlType.datetime2, 6],
  [MysqlType.time2, 0],
  [MysqlType.newDecimal, 10 | (2 << 8)],
  [MysqlType.bit, 5 | (1 << 8)],
  [MysqlType.varchar, 80],
  [MysqlType.varchar, 300],
  [MysqlType.varString, 20],
  [MysqlType.string, 0xfe | (40 << 8)],
  // CHAR of up to 300 bytes: two bits of its length are in the type.
  [MysqlType.string, 0xee | (44 << 8)],
  [MysqlType.string, MysqlType.enum | (1 << 8)],
  [MysqlType.string, MysqlType.set | (2 << 8)],
  [MysqlType.blob, 1],
  [MysqlType.blob, 2],
  [MysqlType.blob, 3],
  [MysqlType.blob, 4],
  [MysqlType.json, 4],
  [MysqlType.geometry, 4],
];

const name = fc.string({ unit: fc.constantFrom('a', 'Z', ' ', 'é', '`', '😀'), minLength: 1, maxLength: 8 });
const collation = fc.constantFrom(8, 33, 45, 63, 255, 2304);
const values = fc.array(fc.oneof(...bytesOf(0x61, 0xe9), fc.uint8Array({ maxLength: 300 })), { maxLength: 3 });

const givenColumn: fc.Arbitrary<BinlogColumn> = fc
  .record({ kind: fc.constantFrom(...kinds), nullable: fc.boolean(), name, unsigned: fc.boolean(), collation, values, detail: fc.nat({ max: 70_000 }) })
  .map(({ kind: [type, meta], ...rest }) => column(type, meta, rest));

/** What a server would not say of a column is not known of it. */
function sent(given: BinlogColumn, metadata: GivenTable['metadata'], flavour: string): BinlogColumn {
  const real = realType(given.type, given.meta).type;
  const isLabelled = real === MysqlType.enum || real === MysqlType.set;
  const [some, full] = [metadata !== 'none', metadata === 'full'];
  const isNumber = [1, 2, 3, 4, 5, 8, 9, 13, 246].includes(real);
  return {
    ...given,
    name: full ? given.name : null,
    unsigned: some && isNumber && given.unsigned,
    collation: (some && isText(given, flavour)) || (full && isLabelled) ? given.collation : null,
    values: full && isLabelled ? given.values : null,
    detail: full && real === MysqlType.geometry ? given.detail : null,
  };
}

export function givenTable(flavour: 'mysql' | 'mariadb'): fc.Arbitrary<GivenTable> {
  return fc
    .record({
      tableId: fc.integer({ min: 1, max: 2 ** 40 }),
      database: name,
      columns: fc.oneof(
        fc.array(givenColumn, { minLength: 1, maxLength: 5 }),
        fc.array(givenColumn, { minLength: 7, maxLength: MOST_COLUMNS }),
      ),
      key: fc.option(fc.record({ column: fc.nat(), prefix: fc.constantFrom(0, 0, 10) })),
      invisible: fc.option(fc.array(fc.boolean(), { minLength: MOST_COLUMNS, maxLength: MOST_COLUMNS })),
      cells: fc.array(fc.constantFrom('plain', 'plain', 'doubled', null), { minLength: MOST_COLUMNS, maxLength: MOST_COLUMNS }),
      leftOut: fc.constantFrom(false, false, false, true),
      skip: fc.constantFrom(false, false, true),
      metadata: fc.constantFrom('none', 'minimal', 'full'),
      listCharsets: fc.boolean(),
    })
    .map(({ tableId, database, columns, key, invisible, cells, leftOut, skip, metadata, listCharsets }): GivenTable => {
      const full = metadata === 'full';
      const primaryKey = full && key !== null ? [{ column: key.column % columns.length, prefix: key.prefix }] : null;
      return {
        map: {
          tableId,
          database,
          name: `t${tableId}`,
          columns: columns.map((each) => sent(each, metadata, flavour)),
          primaryKey,
          invisible: full && invisible !== null ? invisible.slice(0, columns.length) : null,
        },
        treatment: { leftOut, skip, cells: cells.slice(0, columns.length) },
        metadata,
        listCharsets,
      };
    });
}

/** Bytes of which a value of any width can be cut. */
const raw = fc.oneof(fc.uint8Array({ minLength: 40, maxLength: 40 }), fc.uint8Array({ minLength: 300, maxLength: 300 }));
const row: fc.Arbitrary<GivenRow> = fc.array(fc.option(raw, { freq: 4 }), { minLength: MOST_COLUMNS, maxLength: MOST_COLUMNS });
const mask = fc.oneof(
  fc.constant(Array.from({ length: MOST_COLUMNS }, () => false)),
  fc.array(fc.boolean(), { minLength: MOST_COLUMNS, maxLength: MOST_COLUMNS }),
);

const rows: fc.Arbitrary<GivenRows> = fc.record({
  kind: fc.constantFrom('insert', 'update', 'delete'),
  table: fc.nat({ max: 3 }),
  rows: fc.array(fc.record({ old: row, new: row }), { minLength: 1, maxLength: 4 }),
  absentBefore: mask,
  absentAfter: mask,
  version: fc.constantFrom(1, 2),
  extra: fc.uint8Array({ maxLength: 5 }),
  endsStatement: fc.boolean(),
  compressed: fc.boolean(),
  toggle: fc.constantFrom(false, false, false, true),
});

const transaction: fc.Arbitrary<GivenTransaction> = fc.record({
  delivered: fc.constantFrom(false, false, false, true),
  payload: fc.constantFrom(null, null, 'zstd', 'none'),
  xa: fc.constantFrom(null, null, null, 'commit', 'one phase', 'rollback'),
  changes: fc.array(rows, { maxLength: 5 }),
  end: fc.constantFrom('xid', 'commit'),
  definition: fc.constantFrom(false, false, true),
});

export const givenLog: fc.Arbitrary<GivenLog> = fc.constantFrom('mysql', 'mariadb').chain((flavour) =>
  fc.record({
    flavour: fc.constant(flavour),
    checksums: fc.boolean(),
    tables: fc.uniqueArray(givenTable(flavour), { minLength: 1, maxLength: 3, selector: ({ map }) => map.tableId }),
    transactions: fc.array(transaction, { maxLength: 4 }),
    rowLimits: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  }),
);

/** A value of this width out of bytes, with its length in front. */
export function valueOf({ type, meta }: BinlogColumn, bytes: Uint8Array): Uint8Array {
  const width = valueWidth(type, meta);
  if (width >= 0) return bytes.slice(0, width);
  const content = bytes.subarray(0, width === -1 ? Math.min(bytes.length, 200) : bytes.length);
  const length = Uint8Array.from({ length: -width }, (_, byte) => (content.length >>> (8 * byte)) & 0xff);
  return Uint8Array.from([...length, ...content]);
}
