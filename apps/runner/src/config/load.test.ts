import { basename, join } from 'node:path';
import { schemaPolicies, type Secret, type WeirError } from '@weir/sdk';
import { describe, expect, test } from 'vitest';
import { FakeConnectors } from '../connectors.fake.ts';
import { TestFolder } from '../folder.fake.ts';
import type { Config } from './config.ts';
import { ConfigErrors } from './config-errors.ts';
import { loadConfig } from './load.ts';

const MINIMAL = `version: 1
pipelines:
  shop:
    source:
      postgres:
        url: postgres://app@db/shop
    sinks:
      warehouse:
        duckdb: { path: ./shop.duckdb }
`;

type Environment = Record<string, string>;

function load(text: string, env: Environment = {}, folder = new TestFolder()): Config {
  using _ = folder;
  return loadConfig(folder.file('weir.yaml', text), env, new FakeConnectors());
}

/** Each error as `line:column CODE path: message | fix`. */
function errorsOf(text: string, env: Environment = {}): string[] {
  try {
    load(text, env);
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.all.map(summary);
  }
  return [];
}

function summary({ code, message, fix, path, place }: WeirError): string {
  expect(basename(place?.file ?? '')).toBe('weir.yaml');
  return `${place?.line}:${place?.column} ${code.replace('WEIR_CONFIG_', '')} ${path ?? ''}: ${message} | ${fix}`;
}

test('a position that is lost cannot be repaired in a history', () => {
  using folder = new TestFolder();
  const text = MINIMAL.replace(/(        )url: .*/, '$&\n$1on_lost_position: repair');
  expect(() => loadConfig(folder.file('weir.yaml', text), {})).not.toThrow();
  const file = folder.file('weir.yaml', `${text}        mode: append\n`);
  expect(() => loadConfig(file, {})).toThrow('the sink warehouse keeps a history, which cannot be repaired');
});

describe('a valid file', () => {
  test('files of TLS are relative to the file too, at any depth; a word is none', () => {
    using folder = new TestFolder();
    const text = MINIMAL.replace(/(        )url: .*/, '$&\n$1tls: { ca: system, cert: ./c.pem, key: /k.pem }');
    const file = folder.file('weir.yaml', text);
    const [pipeline] = loadConfig(file, {}).pipelines.values();
    const { tls } = pipeline!.source.config as { tls: object };
    expect(tls).toEqual({ ca: 'system', cert: join(folder.path, 'c.pem'), key: '/k.pem' });
  });

  test('gets its defaults', () => {
    using folder = new TestFolder();
    const config = loadConfig(folder.file('weir.yaml', MINIMAL), {}, new FakeConnectors());
    const shop = config.pipelines.get('shop')!;
    expect(config.directory).toBe(folder.path);
    expect(config.stateDirectory).toBe(join(folder.path, '.weir'));
    expect(config.http).toEqual({ host: '127.0.0.1', port: 9464 });
    expect(shop.source.connector.name).toBe('postgres');
    expect(shop.source.config).toMatchObject({ tables: ['public.*'], port: 5432, snapshot: { workers: 2 } });
    expect(shop.bufferBytes).toBe(256 * 2 ** 20);
    expect(shop.shutdownTimeoutMs).toBe(30_000);
    expect(shop.sinks).toMatchObject([
      {
        name: 'warehouse',
        config: { path: join(folder.path, 'shop.duckdb') },
        options: {
          mode: 'mirror',
          target: { schema: '{schema}', table: '{table}' },
          deletes: 'hard',
          schemaChanges: schemaPolicies('apply'),
          onError: 'stop',
          memoryBytes: 128 * 2 ** 20,
        },
      },
    ]);
  });

  test('takes everything that it can say', () => {
    const config = load(`version: 1
state: /var/lib/weir
http: false
pipelines:
  shop:
    source: { postgres: { url: "postgres://app@db/shop", tables: [public.*, "!public.audit_*"], tls: off } }
    sinks:
      warehouse:
        duckdb: { path: ":memory:" }
        mode: append
        target: { schema: "mirror_{schema}" }
        deletes: soft
        schema_changes: { create: ignore, add: ignore, drop: stop, rename: stop, widen: ignore, key: stop, drop_table: apply }
        on_error: stop_table
      events: { kafka: { brokers: [a, b] } }
    buffer: none
    buffer_bytes: 64MiB
    shutdown_timeout: 5s
`);
    const shop = config.pipelines.get('shop')!;
    expect(config.stateDirectory).toBe('/var/lib/weir');
    expect(config.http).toBeNull();
    expect(shop.shutdownTimeoutMs).toBe(5000);
    expect(shop.sinks.map(({ connector, options }) => [connector.name, options.memoryBytes])).toEqual([
      ['duckdb', 16 * 2 ** 20],
      ['kafka', 16 * 2 ** 20],
    ]);
    expect(shop.sinks[0]!.config).toEqual({ path: ':memory:' });
    expect(shop.sinks[0]!.options).toMatchObject({
      mode: 'append',
      target: { schema: 'mirror_{schema}', table: '{table}' },
      deletes: 'soft',
      onError: 'stop_table',
    });
    expect(shop.sinks[0]!.options.schemaChanges).toEqual({
      create: 'ignore',
      add: 'ignore',
      drop: 'stop',
      rename: 'stop',
      widen: 'ignore',
      key: 'stop',
      'drop-table': 'apply',
    });
  });

  test.each([
    ['apply', schemaPolicies('apply')],
    ['stop', schemaPolicies('stop')],
    // Neither leaves the sink without a way to know its rows, nor with rows that nobody asked to lose.
    ['ignore', { ...schemaPolicies('ignore'), key: 'stop' }],
    ['{ add: ignore }', { ...schemaPolicies('apply'), add: 'ignore', 'drop-table': 'ignore' }],
    ['{}', schemaPolicies('apply')],
  ])('schema_changes: %s', (text, expected) => {
    const config = load(`${MINIMAL}        schema_changes: ${text}\n`);
    expect(config.pipelines.get('shop')!.sinks[0]!.options.schemaChanges).toEqual(expected);
  });

  test.each([
    ['9464', { host: '127.0.0.1', port: 9464 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['"[::1]:80"', { host: '::1', port: 80 }],
    ['127.0.0.2:1', { host: '127.0.0.2', port: 1 }],
  ])('http: %s', (text, expected) => {
    expect(load(`http: ${text}\n${MINIMAL}`).http).toEqual(expected);
  });

  test('knows where each part stands', () => {
    const config = load(MINIMAL);
    const at = (...path: (string | number)[]) => {
      const { line, column } = config.place(path);
      return `${line}:${column}`;
    };
    expect(at('pipelines', 'shop', 'source', 'postgres', 'url')).toBe('6:14');
    expect(at('pipelines', 'shop', 'source', 'postgres')).toBe('5:7');
    expect(at('pipelines', 'shop', 'source', 'postgres', 'publication')).toBe('5:7');
    expect(at('pipelines', 'shop', 'sinks', 'warehouse', 'duckdb', 'path')).toBe('9:25');
    expect(at('http')).toBe('1:1');
  });
});

describe('references', () => {
  const withUrl = (url: string) => MINIMAL.replace('postgres://app@db/shop', () => url);
  const urlOf = (config: Config) => {
    const { url } = config.pipelines.get('shop')!.source.config as { url: Secret };
    return url.reveal();
  };

  test.each([
    ['${URL}', { URL: 'postgres://a' }, 'postgres://a'],
    ['"postgres://app:${PW}@${HOST:localhost}/x"', { PW: 'p#: w' }, 'postgres://app:p#: w@localhost/x'],
    ['${URL:postgres://b:5432}', {}, 'postgres://b:5432'],
    ['${URL:x}', { URL: 'set' }, 'set'],
    ['a$${b}', {}, 'a${b}'],
    ['$NOT_A_REFERENCE', {}, '$NOT_A_REFERENCE'],
    ['${DIGITS}', { DIGITS: '123456' }, '123456'],
  ] as [string, Environment, string][])('%s', (text, env, expected) => {
    expect(urlOf(load(withUrl(text), env))).toBe(expected);
  });

  test('a file, without its last line break', () => {
    using folder = new TestFolder();
    folder.file('url.txt', 'postgres://from-file\n');
    const file = folder.file('weir.yaml', withUrl('${file:url.txt}'));
    expect(urlOf(loadConfig(file, {}, new FakeConnectors()))).toBe('postgres://from-file');
  });

  test('a number, where one is wanted', () => {
    const text = withUrl('x\n        port: ${PORT}\n        snapshot: {workers: "${WORKERS:3}"}');
    const config = load(text, { PORT: '6543' });
    expect(config.pipelines.get('shop')!.source.config).toMatchObject({ port: 6543, snapshot: { workers: 3 } });
    expect(errorsOf(text, { PORT: 'high' })).toEqual([
      `7:15 INVALID pipelines.shop.source.postgres.port: expected a number, got text | ${INVALID}`,
    ]);
  });

  test('places stay where they were, whatever the values hold', () => {
    const text = withUrl('${URL}').replace('duckdb:', 'duckdbb:');
    expect(errorsOf(text, { URL: 'a\nb\nc' })[0]).toMatch(/^9:9 INVALID pipelines\.shop\.sinks\.warehouse\.duckdbb: /);
  });

  test.each([
    ['${NOT_SET}', 'the environment variable NOT_SET is not set | Set NOT_SET, or give a default: ${NOT_SET:default}.'],
    ['${NOT_SET:-x}', "${NOT_SET:-…} is the shell's form of a default | Without the sign after the colon: ${NOT_SET:x}."],
    [
      '${not a name}',
      '`${…}` does not hold the name of an environment variable | Write ${NAME}, ${NAME:default} or ${file:/path}; `$${` stands for a plain `${`.',
    ],
    ['"${OPEN"', 'a reference starts with `${` and has no `}` | Close it, or write `$${` for a plain `${`.'],
    [
      '${file:/no/such}',
      'the file /no/such does not exist | Make the file, readable for the user who runs weir, or correct its path.',
    ],
  ])('%s is an error', (text, expected) => {
    expect(errorsOf(withUrl(text))).toEqual([
      `6:14 VARIABLE pipelines.shop.source.postgres.url: ${expected.replace('’', "'")}`,
    ]);
  });

  test('values never show in errors (invariant 10)', () => {
    const text = withUrl('x\n        tables: ["${SECRET}"]\n        tls: ${SECRET}\n        ${SECRET}: 1');
    const all = errorsOf(text, { SECRET: 'hunter22' });
    expect(all).toHaveLength(3);
    expect(all.join('\n')).not.toContain('hunter22');
  });
});

const HEAD = 'version: 1\npipelines:\n  shop:\n';
const SOURCE = '    source: {postgres: {url: x}}\n';
const SINK = '    sinks: {w: {duckdb: {path: x}}}\n';
const INVALID = 'Correct the value at the place named; `weir schema` prints what is allowed.';
const SYNTAX = 'Correct the YAML at the place named.';

/** Name, file, errors. */
const badFiles: [string, string, string[]][] = [
  ['nothing', '', [`1:1 INVALID : expected a mapping of keys to values, got nothing | ${INVALID}`]],
  ['a list', '- a\n', [`1:1 INVALID : expected a mapping of keys to values, got a list | ${INVALID}`]],
  [
    'a typo of a key',
    `version: 1\npipelins: {}\n`,
    ['2:1 INVALID pipelins: unknown key `pipelins`; expected version, state, http, pipelines | Did you mean `pipelines`?'],
  ],
  [
    'a typo of a connector',
    `${HEAD}    source:\n      postgress: {url: x}\n${SINK}`,
    ['5:7 INVALID pipelines.shop.source.postgress: unknown key `postgress`; expected postgres | Did you mean `postgres`?'],
  ],
  [
    'a typo of a connector’s option',
    `${HEAD}    source:\n      postgres:\n        url: x\n        tabels: []\n${SINK}`,
    [
      '7:9 INVALID pipelines.shop.source.postgres.tabels: unknown key `tabels`; expected url, tables, port, tls, snapshot | Did you mean `tables`?',
    ],
  ],
  [
    'a typo two levels down',
    `${HEAD}    source: {postgres: {url: x, snapshot: {worker: 3}}}\n${SINK}`,
    [
      '4:44 INVALID pipelines.shop.source.postgres.snapshot.worker: unknown key `worker`; expected workers | Did you mean `workers`?',
    ],
  ],
  [
    'a missing option',
    `${HEAD}    source:\n      postgres: {tls: off}\n${SINK}`,
    [`5:7 INVALID pipelines.shop.source.postgres.url: missing; expected text | ${INVALID}`],
  ],
  [
    'no connector',
    `${HEAD}    source: {}\n${SINK}`,
    [`4:5 INVALID pipelines.shop.source: expected one connector in this source: postgres | ${INVALID}`],
  ],
  [
    'two connectors',
    `${HEAD}${SOURCE}    sinks:\n      w: {duckdb: {path: x}, kafka: {brokers: [a]}}\n`,
    [`6:7 INVALID pipelines.shop.sinks.w: expected one connector in this sink: duckdb, kafka | ${INVALID}`],
  ],
  [
    'no sink',
    `${HEAD}${SOURCE}    sinks: {}\n`,
    [`5:5 INVALID pipelines.shop.sinks: expected at least one sink | ${INVALID}`],
  ],
  ['no pipeline', 'version: 1\npipelines: {}\n', [`2:1 INVALID pipelines: expected at least one pipeline | ${INVALID}`]],
  [
    'a value of another type',
    `${HEAD}    source: {postgres: {url: [1], port: high}}\n${SINK}`,
    [
      `4:30 INVALID pipelines.shop.source.postgres.url: expected text, got a list | ${INVALID}`,
      `4:41 INVALID pipelines.shop.source.postgres.port: expected a number, got text | ${INVALID}`,
    ],
  ],
  [
    'an empty value',
    `${HEAD}    source: {postgres: {url: ''}}\n${SINK}`,
    [`4:30 INVALID pipelines.shop.source.postgres.url: must not be empty | ${INVALID}`],
  ],
  [
    'a value of a list',
    `${HEAD}    source: {postgres: {url: x, tables: [public.a, orders]}}\n${SINK}`,
    [`4:52 INVALID pipelines.shop.source.postgres.tables[1]: expected schema.table | ${INVALID}`],
  ],
  [
    'a typo of a value',
    `${HEAD}    source: {postgres: {url: x, tls: verfy}}\n${SINK}`,
    ['4:38 INVALID pipelines.shop.source.postgres.tls: expected verify or off, got verfy | Did you mean `verify`?'],
  ],
  [
    'a bad name of a pipeline',
    'version: 1\npipelines:\n  my shop:\n    source: {postgres: {url: x}}\n    sinks: {w: {duckdb: {path: x}}}\n',
    [
      `3:3 INVALID pipelines.my shop: expected a pipeline name: a letter, then letters, digits, - or _, at most 40 | ${INVALID}`,
    ],
  ],
  [
    'another version',
    `version: 2\npipelines: {shop: {${SOURCE.trim().slice(0, -1)}}, sinks: {w: {duckdb: {path: x}}}}}`,
    [`1:10 INVALID version: expected 1, the version of this file format | ${INVALID}`],
  ],
  ['no version', MINIMAL.replace('version: 1\n', ''), [`1:1 INVALID version: missing; expected 1 | ${INVALID}`]],
  [
    'a size',
    `${MINIMAL}    buffer_bytes: 12 pounds\n`,
    [`10:19 INVALID pipelines.shop.buffer_bytes: expected a size such as 256MiB, or a number of bytes | ${INVALID}`],
  ],
  [
    'a small size',
    `${MINIMAL}    buffer_bytes: 1MiB\n`,
    [`10:19 INVALID pipelines.shop.buffer_bytes: expected at least 32MiB | ${INVALID}`],
  ],
  [
    'a size of another type',
    `${MINIMAL}    buffer_bytes: true\n`,
    [`10:19 INVALID pipelines.shop.buffer_bytes: expected text or a number, got true or false | ${INVALID}`],
  ],
  [
    'a duration',
    `${MINIMAL}    shutdown_timeout: soon\n`,
    [`10:23 INVALID pipelines.shop.shutdown_timeout: expected a duration such as 250ms, 10s or 5m | ${INVALID}`],
  ],
  [
    'a placeholder',
    `${MINIMAL}        target: {table: "{tabel}"}\n`,
    [
      `10:25 INVALID pipelines.shop.sinks.warehouse.target.table: expected a name; the only placeholders are {schema} and {table} | ${INVALID}`,
    ],
  ],
  [
    'a typo of a mode',
    `${MINIMAL}        mode: apend\n`,
    ['10:15 INVALID pipelines.shop.sinks.warehouse.mode: expected mirror or append, got apend | Did you mean `append`?'],
  ],
  [
    'a second history',
    `${MINIMAL}        mode: append\n      archive: { duckdb: { path: ./archive.duckdb }, mode: append }\n`,
    [
      '11:60 INVALID pipelines.shop.sinks.archive.mode: another sink of this pipeline is in `mode: append` already ' +
        `(warehouse); expected a pipeline of its own | ${INVALID}`,
    ],
  ],
  [
    'deletes that are neither',
    `${MINIMAL}        deletes: sofft\n`,
    ['10:18 INVALID pipelines.shop.sinks.warehouse.deletes: expected hard or soft, got sofft | Did you mean `soft`?'],
  ],
  [
    'a typo of a policy',
    `${MINIMAL}        schema_changes: aply\n`,
    [
      '10:25 INVALID pipelines.shop.sinks.warehouse.schema_changes: expected apply or ignore or stop, got aply | Did you mean `apply`?',
    ],
  ],
  [
    'a policy of another type',
    `${MINIMAL}        schema_changes: [add]\n`,
    [
      `10:25 INVALID pipelines.shop.sinks.warehouse.schema_changes: expected apply or ignore or stop or a mapping of keys to values, got a list | ${INVALID}`,
    ],
  ],
  [
    'a typo of a kind of change, and one of a policy',
    `${MINIMAL}        schema_changes: { drop-table: apply, rename: sotp }\n`,
    [
      '10:27 INVALID pipelines.shop.sinks.warehouse.schema_changes.drop-table: unknown key `drop-table`; expected create, add, drop, rename, widen, key, drop_table | Did you mean `drop_table`?',
      '10:54 INVALID pipelines.shop.sinks.warehouse.schema_changes.rename: expected apply or ignore or stop, got sotp | Did you mean `stop`?',
    ],
  ],
  [
    'a changed key that is ignored',
    `${MINIMAL}        schema_changes: { key: ignore }\n`,
    [
      `10:32 INVALID pipelines.shop.sinks.warehouse.schema_changes.key: a changed key cannot be ignored; expected apply or stop | ${INVALID}`,
    ],
  ],
  [
    'an address off loopback',
    `http: 0.0.0.0:9464\n${MINIMAL}`,
    [`1:7 INVALID http: 0.0.0.0 is not a loopback address; this version serves HTTP on loopback only | ${INVALID}`],
  ],
  [
    'no address',
    `http: true\n${MINIMAL}`,
    [`1:7 INVALID http: expected HOST:PORT on loopback such as 127.0.0.1:9464, a port, or false | ${INVALID}`],
  ],
];

/** What the design has and this version has not: key or value, the lines, the error. */
const laterParts: [string, string, string][] = [
  [
    'several sources',
    `${HEAD}    sources: {a: {postgres: {url: x}}}\n${SOURCE}${SINK}`,
    '4:5 INVALID pipelines.shop.sources: `sources` is not in this version',
  ],
  [
    'transforms',
    `${MINIMAL}    transforms: [{mask: {}}]\n`,
    '10:5 INVALID pipelines.shop.transforms: `transforms` is not in this version',
  ],
  [
    'a journal',
    `${MINIMAL}    buffer: journal\n`,
    '10:13 INVALID pipelines.shop.buffer: journal is not in this version; expected none',
  ],
  [
    'kafka between',
    `${MINIMAL}    buffer: kafka\n`,
    '10:13 INVALID pipelines.shop.buffer: kafka is not in this version; expected none',
  ],
  [
    'dead letters',
    `${MINIMAL}        on_error: dead_letter\n`,
    '10:19 INVALID pipelines.shop.sinks.warehouse.on_error: dead_letter is not in this version; expected stop or stop_table',
  ],
  [
    'a shared state',
    `state: {postgres: {url: x}}\n${MINIMAL}`,
    '1:1 INVALID state: a shared state is not in this version; expected a folder',
  ],
];

/** Name, file, line and column, part of the message or the fix. */
const badSyntax: [string, string, string, RegExp][] = [
  [
    'a duplicate key',
    'version: 1\nhttp: false\nversion: 1\n',
    '3:1',
    /Map keys must be unique \| Keep one of the two keys\./,
  ],
  ['a tab', 'pipelines:\n\tshop: {}\n', '2:1', /Tabs are not allowed as indentation \| Indent with spaces\./],
  ['an unclosed quote', 'version: "1\n', '2:1', /quote/],
  ['an unclosed list', 'a: [1, 2\n', '2:1', new RegExp(`Flow sequence.*${SYNTAX.replace('.', '\\.')}`)],
  ['an exclusion without quotes', 'tables: [!public.audit_*]\n', '1:10', /Text that begins with `!` needs quotes/],
  ['a star without quotes', 'tables: [*]\n', '1:10', /Text that begins with `\*` needs quotes/],
  ['a star and a name without quotes', 'tables: [*public]\n', '1:10', /Text that begins with `\*` needs quotes/],
  [
    'a reference without quotes in a flow',
    'a: {b: ${C}}\n',
    '1:9',
    /Inside { } or \[ ] a reference needs quotes: "\${NAME}"/,
  ],
  ['two documents', 'version: 1\n---\nversion: 1\n', '2:1', /take out the `---`/],
];

describe('a bad file', () => {
  test.each(badFiles)('%s', (_, text, expected) => {
    expect(errorsOf(text)).toEqual(expected.toSorted(byPlace));
  });

  test.each(laterParts)('%s: not in this version', (_, text, expected) => {
    const errors = errorsOf(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.split(' | ')[0]).toBe(expected);
  });

  test.each(badSyntax)('%s', (_, text, place, expected) => {
    const [first] = errorsOf(text);
    expect(first).toMatch(new RegExp(`^${place} SYNTAX`));
    expect(first).toMatch(expected);
  });

  test('every error is reported, in the order of the file', () => {
    const errors = errorsOf(`version: 1
htp: false
pipelines:
  shop:
    source: {postgres: {url: "\${NONE}"}}
    sinks: {w: {duckdb: {}, mode: apend}}
`);
    expect(errors.map((error) => error.split(' ').slice(0, 3).join(' '))).toEqual([
      '2:1 INVALID htp:',
      '5:30 VARIABLE pipelines.shop.source.postgres.url:',
      '6:17 INVALID pipelines.shop.sinks.w.duckdb.path:',
      '6:35 INVALID pipelines.shop.sinks.w.mode:',
    ]);
  });

  test('a file that is not there', () => {
    expect(() => loadConfig('/no/such/weir.yaml', {}, new FakeConnectors())).toThrow(
      expect.objectContaining({ code: 'WEIR_CONFIG_FILE', message: '/no/such/weir.yaml does not exist' }),
    );
  });
});

function byPlace(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10);
}
