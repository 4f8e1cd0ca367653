/** A type of PostgreSQL as a column has it. */
export interface PageType {
  /** As `format_type` prints it, which is what a sink is told. */
  readonly name: string;
  /** As the catalog calls it. */
  readonly catalog: string;
  /** `pg_type.typtype`; a base type by default. */
  readonly kind?: 'b' | 'c' | 'd' | 'e' | 'm' | 'r';
  readonly modifier?: number;
  /** The elements of an array, the type below a domain. */
  readonly of?: PageType;
  /** The name of the extension, or `own` for what a user makes; absent for types of the server itself. */
  readonly from?: string;
}

/** A row of the page: types that are treated alike. */
export interface TypeRow {
  readonly types: readonly PageType[];
  /** How the types are called on the page, where the names of `types` are only examples. */
  readonly title?: string;
  /** What a cell looks like, with its edge values. */
  readonly cell: string;
  readonly note?: string;
}

export interface TypeSection {
  readonly title: string;
  readonly rows: readonly TypeRow[];
}

const base = (name: string, catalog = name): PageType => ({ name, catalog });
const extended = (from: string, ...names: string[]): PageType[] => names.map((name) => ({ name, catalog: name, from }));
const bases = (...names: string[]): PageType[] => names.map((name) => base(name));

/** As the server packs precision and scale: PostgreSQL, src/backend/utils/adt/numeric.c, make_numeric_typmod. */
function numeric(precision: number, scale: number): PageType {
  const modifier = ((precision << 16) | (scale & 0x7ff)) + 4;
  return { name: `numeric(${precision},${scale})`, catalog: 'numeric', modifier };
}

function arrayOf(of: PageType): PageType {
  return { name: `${of.name}[]`, catalog: `_${of.catalog}`, of };
}

const numbers: TypeSection = {
  title: 'Numbers',
  rows: [
    { types: [base('boolean', 'bool')], cell: '`t`, `f`' },
    {
      types: [base('smallint', 'int2'), base('integer', 'int4'), base('bigint', 'int8')],
      cell: 'digits, with `-`: `-9223372036854775808`',
    },
    { types: bases('oid', 'xid', 'cid'), cell: 'digits: `4294967295`' },
    { types: bases('xid8'), cell: 'digits: `18446744073709551615`' },
    {
      types: [base('real', 'float4'), base('double precision', 'float8')],
      cell: 'the shortest decimal that reads back the same: `0.1`, `1e-45`, `-0`; `NaN`, `Infinity`, `-Infinity`',
    },
    {
      types: [numeric(12, 2)],
      title: '`numeric(p, s)`, p up to 38',
      cell: 'all digits of its scale: `5.00`, `-0.01`; `NaN`',
      note: 'DuckDB: the column becomes VARCHAR when a NaN comes, or the table stops, as `decimals` of the sink says',
    },
    {
      types: [numeric(50, 2)],
      title: '`numeric(p, s)`, p above 38',
      cell: 'the same',
      note: 'DuckDB: `decimals` of the sink can choose a number',
    },
    {
      types: [base('numeric'), numeric(2, -3), numeric(3, 5)],
      title: '`numeric`; a scale below 0 or above p (15 and later)',
      cell:
        'the digits that the value has, up to 131,072 before the point and 16,383 after: `0.00`; `NaN`, `Infinity`, ' +
        '`-Infinity`',
      note: 'DuckDB: `decimals` of the sink can choose a number',
    },
    {
      types: bases('money'),
      cell: 'as the server prints it: `-$1,234.56`',
      note: '`lc_monetary` of the source’s database says how; text, so that it stays what it was',
    },
  ],
};

const texts: TypeSection = {
  title: 'Text, bytes, documents',
  rows: [
    {
      types: [base('text'), base('character varying', 'varchar'), base('name')],
      cell: 'UTF-8, up to 1 GB; the empty text is no NULL',
      note: 'a limit of length is not kept in the sink',
    },
    {
      types: [base('character(4)', 'bpchar')],
      title: '`character(n)`',
      cell: 'filled with spaces: `ab  `',
      note: 'the spaces count in the sink, where the type is another',
    },
    {
      types: [base('"char"', 'char')],
      cell: 'one byte, or none',
      note: 'a byte above 127 is printed as `\\377` since version 16; before, it is sent as it is, which is no UTF-8',
    },
    { types: bases('refcursor'), cell: 'the name of the cursor' },
    { types: extended('citext', 'citext'), cell: 'as it was written: `MiXed`', note: 'a sink compares with case' },
    { types: bases('uuid'), cell: 'lower case: `a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11`' },
    { types: bases('json'), cell: 'the text as it was stored, with its spaces and repeated keys' },
    { types: bases('jsonb'), cell: 'as the server prints it: `{"a": [1.10, null]}`', note: 'numbers keep every digit' },
    { types: bases('jsonpath'), cell: '`$."a"[*]?(@ > 1)`' },
    { types: bases('xml'), cell: 'as the server prints it, without a declaration of its encoding' },
    { types: bases('bytea'), cell: 'the bytes themselves' },
    {
      types: [base('bit(9)', 'bit'), base('bit varying', 'varbit')],
      title: '`bit(n)`, `bit varying`',
      cell: 'zeros and ones: `101010101`',
    },
    { types: bases('tsvector', 'tsquery'), cell: '`\'fat\':2B,4C`; `\'fat\' & !\'cat\'`' },
  ],
};

const times: TypeSection = {
  title: 'Times',
  rows: [
    {
      types: bases('date'),
      cell:
        '`2024-02-29`; the year 1 BC is `0000`, 2 BC `-000001`, after 9999 as many digits as needed; `infinity`, ' +
        '`-infinity`',
    },
    {
      types: [base('timestamp without time zone', 'timestamp')],
      cell: '`2024-02-29T12:34:56.1`, up to six digits; BC and `infinity` as in `date`',
      note: 'DuckDB: up to 294247-01-10; PostgreSQL has them up to 294276',
    },
    {
      types: [base('timestamp with time zone', 'timestamptz')],
      cell: 'in UTC: `2024-02-29T06:30:00Z`; the rest as `timestamp`',
      note: 'DuckDB: up to 294247-01-10',
    },
    { types: [base('time without time zone', 'time')], cell: '`12:34:56.000001`; `24:00:00`' },
    { types: [base('time with time zone', 'timetz')], cell: '`12:00:00+02:00`; `24:00:00-05:30`; `00:00:00+15:59:59`' },
    {
      types: bases('interval'),
      cell:
        'ISO 8601, each part with its own sign: `P-1Y-2M3DT-4H-5M-6.789S`, `PT0S`; since version 17 `infinity`, ' +
        '`-infinity`',
      note: 'PostgreSQL sinks before 17 know no infinite interval',
    },
  ],
};

const places: TypeSection = {
  title: 'Networks and geometry',
  rows: [
    { types: bases('inet', 'cidr'), cell: '`192.168.0.1/24`, `::1`; `10.0.0.0/8`' },
    { types: bases('macaddr', 'macaddr8'), cell: '`08:00:2b:01:02:03`; `08:00:2b:ff:fe:01:02:03`' },
    {
      types: bases('point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'),
      cell:
        '`(1.5,-2)`; `{1,-1,0}`; `[(0,0),(1,1)]`; `(1,1),(0,0)`; `[…]` open and `((…))` closed; ' +
        '`((0,0),(1,1),(2,0))`; `<(0,0),5>`',
      note: 'coordinates are shortest decimals, and can be `NaN` and `Infinity`',
    },
  ],
};

const range = (name: string): PageType => ({ name, catalog: name, kind: name.endsWith('multirange') ? 'm' : 'r' });

const ranges: TypeSection = {
  title: 'Ranges',
  rows: [
    {
      types: ['int4range', 'int8range', 'numrange', 'daterange', 'tsrange', 'tstzrange'].map(range),
      cell: 'as the server prints it: `[1,5)`, `(,)`, `empty`, `["2024-02-29 06:30:00+00",)`',
      note: 'bounds are in the server’s form, dates BC too; times with a zone are in UTC',
    },
    {
      types: ['int4', 'int8', 'num', 'date', 'ts', 'tstz'].map((name) => range(`${name}multirange`)),
      cell: 'the same in braces: `{[1,5),[7,9)}`, `{}`',
    },
  ],
};

const system: TypeSection = {
  title: 'PostgreSQL’s own',
  rows: [
    { types: bases('pg_lsn'), cell: '`16/B374D848`' },
    { types: bases('tid'), cell: '`(4294967295,65535)`' },
    { types: bases('pg_snapshot', 'txid_snapshot'), cell: '`10:20:10,14,15`' },
    { types: bases('int2vector', 'oidvector'), cell: 'numbers between spaces: `1 2 3`', note: 'not an array to Weir' },
    { types: bases('aclitem'), cell: '`pg_monitor=r/postgres`' },
    {
      types: [
        ...bases('regclass', 'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper', 'regoperator'),
        ...bases('regproc', 'regprocedure', 'regrole', 'regtype'),
      ],
      cell: 'the name, with its schema where the search path does not lead there: `shop."My Table"`; `-` for none',
      note: 'the name at the time of reading; the number of what is gone',
    },
    {
      types: [
        ...bases('gtsvector', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary', 'pg_dependencies', 'pg_mcv_list'),
        ...bases('pg_ndistinct', 'pg_node_tree'),
      ],
      cell: 'as the server prints it',
      note: 'a column can have them, only the server can make values',
    },
  ],
};

const own = (name: string, kind: 'c' | 'e' | 'm' | 'r'): PageType => ({ name, catalog: name, kind, from: 'own' });

const domain = (of: PageType): PageType => ({ name: 'price', catalog: 'price', kind: 'd', from: 'own', of });

const made: TypeSection = {
  title: 'Made by users',
  rows: [
    {
      types: [own('mood', 'e')],
      title: 'enum',
      cell: 'the label, as it is called when the row is read; labels added later too',
      note: 'their order is not kept in a sink; when a label is renamed the table is copied again',
    },
    {
      types: [own('pair', 'c')],
      title: 'composite',
      cell: 'as the server prints it: `(1,"a,""b""")`; an empty place is NULL, `""` is the empty text',
      note: 'what is inside is in the server’s form, with times in UTC',
    },
    {
      types: [own('shop.range', 'r'), own('shop.multirange', 'm')],
      title: 'range, multirange',
      cell: 'as the server prints it',
    },
    {
      types: [domain(numeric(8, 3))],
      title: 'domain, here over `numeric(8, 3)`',
      cell: 'as the type below it, through any number of domains',
      note: 'its rules are not kept in a sink',
    },
    {
      types: [domain(base('inet'))],
      title: 'domain over a type that is `other`',
      cell: 'as the type below it',
      note: 'PostgreSQL sink: text, since it is told the name of the domain alone',
    },
  ],
};

const extensions: TypeSection = {
  title: 'Of extensions',
  rows: [
    { types: extended('hstore', 'hstore'), cell: '`"a"=>"1", "b"=>NULL`' },
    {
      types: extended('ltree', 'ltree', 'lquery', 'ltxtquery'),
      cell: '`Top.Science`; `*.Astro*`; `Europe & !Russia`',
    },
    { types: [...extended('cube', 'cube'), ...extended('seg', 'seg')], cell: '`(0, 0),(1, 1.5)`; `1 .. 2.0`' },
    {
      types: extended('isn', 'ean13', 'isbn', 'isbn13', 'ismn', 'ismn13', 'issn', 'issn13', 'upc'),
      cell: '`978-0-393-04002-9`',
    },
    {
      types: extended('vector', 'vector'),
      cell: '`[1,2.5,-3]`',
      note: 'not among the tests, whose servers lack the extension',
    },
    {
      types: extended('postgis', 'geometry', 'geography'),
      cell: 'as PostGIS prints it: extended WKB in hexadecimal',
      note: 'not among the tests, whose servers lack the extension',
    },
    { types: extended('another', 'color'), title: 'any other', cell: 'as the server prints it' },
  ],
};

const arrays: TypeSection = {
  title: 'Arrays',
  rows: [
    {
      types: [arrayOf(base('integer', 'int4')), arrayOf(base('double precision', 'float8')), arrayOf(numeric(12, 2))],
      title: 'of numbers, such as `integer[]`, `double precision[]`, `numeric(12, 2)[]`',
      cell: 'JSON with every digit: `[1,null,[2]]`, `[1.50,"NaN"]`, `["Infinity"]`',
      note: 'what is no number is in quotes',
    },
    { types: [arrayOf(base('boolean', 'bool'))], cell: '`[true,false,null]`' },
    {
      types: [arrayOf(base('text')), arrayOf(own('mood', 'e'))],
      title: 'of text and enums, such as `text[]`',
      cell: '`["a \\"b\\"","\\u000a",null]`; control characters are escaped with four digits',
    },
    {
      types: [arrayOf(base('timestamp with time zone', 'timestamptz')), arrayOf(base('date'))],
      title: 'of times, such as `timestamp with time zone[]`',
      cell: 'the canonical cell of each, in quotes: `["2024-02-29T11:00:00Z","infinity"]`',
    },
    {
      types: [arrayOf(base('bytea'))],
      cell: 'hexadecimal in quotes: `["\\\\x00ff"]`',
    },
    {
      types: [arrayOf(base('jsonb'))],
      title: '`json[]`, `jsonb[]`',
      cell: 'the documents as they are: `[{"a": 1},null]`',
      note: 'an element that is NULL and a document that is `null` look the same',
    },
    {
      types: [arrayOf(base('point')), arrayOf(own('pair', 'c')), arrayOf(range('int4range'))],
      title: 'of other types, such as `point[]`, `int4range[]` and composites',
      cell: 'the server’s text of each, in quotes: `["(1,2)"]`',
    },
    {
      types: [base('box[]', '_box')],
      cell: 'as the server prints it: `{(1,1),(0,0);(2,2),(1,1)}`',
      note: 'their elements stand between semicolons',
    },
  ],
};

/** The page, section by section. */
export const typeSections: readonly TypeSection[] = [
  numbers,
  texts,
  times,
  places,
  ranges,
  system,
  made,
  extensions,
  arrays,
];
