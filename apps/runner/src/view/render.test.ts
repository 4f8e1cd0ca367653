import { describe, expect, test } from 'vitest';
import { copyingStatus, NOW, pipelineStatus, sinkStatus } from '../status.fake.ts';
import { plain } from './paint.ts';
import { RateMeter } from './rate-meter.ts';
import { render, statusLine } from './render.ts';
import { textWidth } from './text-width.ts';

const options = { width: 80, now: NOW };

function shown(...args: Parameters<typeof render>): string {
  return `\n${render(...args).join('\n')}\n`;
}

describe('render', () => {
  test('streaming', () => {
    expect(shown([pipelineStatus()], { ...options, startedAt: NOW - 3_723_000, footer: 'Ctrl-C drains and stops' })).toBe(`
shop  streaming                                                          1:02:03
  → warehouse  1,234 rows delivered · lag 42 ms, 1.2 KiB
    checkpoint 0000000001A2B3C4/0000000000, 400 ms ago
    public.customers    234
    public.orders     1,000

Ctrl-C drains and stops
`);
  });

  test('copying', () => {
    expect(shown([copyingStatus()], options)).toBe(`
shop  copying
  total               ███████▏░░░░░░░░░░░░  35%       68,100 of about 190,000
  public.customers    ████████████████████ 100%       10,000
  public.order_lines  █████▌░░░░░░░░░░░░░░  27%       33,500
  public.orders       ████████▏░░░░░░░░░░░  41%       24,600
  → warehouse  65,000 rows delivered
    checkpoint 0000000001A2B3C4/0000000000, 400 ms ago
`);
  });

  test('tables that are stopped, plainly, and how often shapes changed', () => {
    const stoppedTables = [
      { table: 'public.orders', code: 'WEIR_SINK_COLUMN_TYPE', message: 'the column amount is VARCHAR there and would be DECIMAL(12, 2)' },
      { table: 'public.lines', code: 'WEIR_SCHEMA_IGNORED', message: 'the table is new' },
    ] as const;
    const sink = sinkStatus({ stoppedTables, schemaChangeTotals: { add: { apply: 2, ignore: 1 }, create: { ignore: 1 } } });
    expect(shown([pipelineStatus({ sinks: { warehouse: sink } })], { ...options, width: 76 })).toBe(`
shop  streaming
  → warehouse  1,234 rows delivered · lag 42 ms, 1.2 KiB
    checkpoint 0000000001A2B3C4/0000000000, 400 ms ago · 4 schema changes
    stopped  public.orders  WEIR_SINK_COLUMN_TYPE
      the column amount is VARCHAR there and would be DECIMAL(12, 2)
    stopped  public.lines  WEIR_SCHEMA_IGNORED
      the table is new
    public.customers    234
    public.orders     1,000
`);
    const many = sinkStatus({ stoppedTables: Array.from({ length: 8 }, () => stoppedTables[1]) });
    expect(shown([pipelineStatus({ sinks: { warehouse: many } })], options)).toContain('    and 3 more stopped\n');
    expect(statusLine(pipelineStatus({ sinks: { warehouse: sink } }))).toMatch(/, stopped: public\.orders, public\.lines$/);
  });

  test('retrying', () => {
    const failure = {
      code: 'WEIR_PG_CONNECT',
      message: 'connection refused',
      fix: 'Start the server.',
      at: NOW - 5000,
    } as const;
    expect(
      shown(
        [
          pipelineStatus({
            state: 'retrying',
            attempt: 3,
            failure,
            source: { phase: 'connecting', snapshot: [], lagBytes: null },
          }),
        ],
        options,
      ),
    ).toBe(`
shop  retrying, attempt 3
  WEIR_PG_CONNECT  5.0 s ago
    connection refused
    fix: Start the server.
  → warehouse  1,234 rows delivered · lag 42 ms
    checkpoint 0000000001A2B3C4/0000000000, 400 ms ago
    public.customers    234
    public.orders     1,000
`);
  });

  test('a table of unknown size shows no share, and one beyond its guess is not done before it is', () => {
    const source = {
      phase: 'snapshot',
      lagBytes: null,
      snapshot: [
        { table: 'a.unknown', rows: 5, estimatedRows: 0, done: false },
        { table: 'a.more', rows: 200, estimatedRows: 100, done: false },
      ],
    } as const;
    const lines = render([pipelineStatus({ source })], options);
    expect(lines[1]).not.toContain('%');
    expect(lines[2]).not.toContain('%');
    expect(lines[3]).toContain(' 99%');
  });

  test('a source that is far behind', () => {
    const source = { phase: 'stream', snapshot: [], lagBytes: 3 * 2 ** 30, isCatchingUp: true } as const;
    expect(render([pipelineStatus({ source })], options)[0]).toMatch(/^shop  catching up/);
  });

  test('a source that began anew behind a gap, and one whose slot keeps too much log (invariant 6)', () => {
    const source = {
      phase: 'stream',
      snapshot: [],
      lagBytes: 0,
      retainedBytes: 3 * 2 ** 30,
      retainedLimitBytes: 2 * 2 ** 30,
      begunAnew: { code: 'WEIR_PG_SLOT_LOST', at: NOW - 5000 },
    } as const;
    const lines = render([pipelineStatus({ source })], options);
    expect(lines[1]).toBe('  began anew 5.0 s ago: WEIR_PG_SLOT_LOST');
    expect(lines[2]).toBe('  the server keeps 3.0 GiB of log, more than 2.0 GiB');
  });

  test('two pipelines and two sinks', () => {
    const sinks = {
      a: sinkStatus({ rowsByTable: {} }),
      b: sinkStatus({ checkpoint: null, committedAt: null, queueBytes: 2048, rowsByTable: {} }),
    };
    const lines = render([pipelineStatus({ sinks }), pipelineStatus({ name: 'other' })], options);
    expect(lines).toContain('  → b  1,234 rows delivered · lag 42 ms, 1.2 KiB · 2.0 KiB waiting');
    expect(lines).toContain('    no checkpoint yet');
    expect(lines).toContain('other  streaming');
  });

  test.each([10, 19, 20, 40, 79, 200])('no line is wider than %i columns', (width) => {
    const long = pipelineStatus({ name: 'x'.repeat(60), sinks: { [`表${'y'.repeat(90)}`]: sinkStatus() } });
    for (const line of render([copyingStatus(), long], { width, now: NOW, footer: 'f'.repeat(99) })) {
      expect(textWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  test('a low terminal leaves tables out and says so', () => {
    const rowsByTable = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`public.t${index + 10}`, index]));
    const lines = render([pipelineStatus({ sinks: { w: sinkStatus({ rowsByTable }) } })], {
      ...options,
      height: 10,
      footer: 'end',
    });
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toBe('end');
    expect(lines.at(-3)).toBe('    and 46 more tables');
  });

  test('a very low terminal gets its first lines', () => {
    expect(render([copyingStatus()], { ...options, height: 2 })).toHaveLength(2);
  });

  test('nothing from elsewhere reaches the terminal as a control character', () => {
    const sinks = { w: sinkStatus({ rowsByTable: { 'a.\u001B[31mred\u0007\n': 1 } }) };
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(render([pipelineStatus({ sinks })], options).join('')).not.toMatch(/[\u0000-\u001F]/);
  });

  test('colours do not count as columns', () => {
    const red = (text: string) => `\u001B[31m${text}\u001B[39m`;
    const paint = { ...plain, bold: red, dim: red, good: red };
    const strip = (line: string) => line.replaceAll(/\u001B\[\d+m/g, ''); // oxlint-disable-line no-control-regex
    const painted = render([copyingStatus()], { ...options, startedAt: NOW, paint });
    expect(painted.map(strip)).toEqual(render([copyingStatus()], { ...options, startedAt: NOW }));
  });
});

describe('statusLine', () => {
  test('streaming', () => {
    expect(statusLine(pipelineStatus())).toBe('shop streaming → warehouse 1,234 rows, lag 42 ms');
  });

  test('copying', () => {
    expect(statusLine(copyingStatus())).toBe('shop copying 35% → warehouse 65,000 rows');
  });
});

describe('RateMeter', () => {
  const delivered = (rows: number) =>
    pipelineStatus({ sinks: { w: sinkStatus({ rows: { ...sinkStatus().rows, delivered: rows } }) } });

  test('is unknown until there is something to compare', () => {
    const meter = new RateMeter();
    expect(meter.rate('shop', 'w')).toBeNull();
    meter.observe(delivered(100), 1000);
    expect(meter.rate('shop', 'w')).toBeNull();
    meter.observe(delivered(150), 1500);
    expect(meter.rate('shop', 'w')).toBe(100);
  });

  test('smooths bursts and comes to rest', () => {
    const meter = new RateMeter();
    for (let step = 0; step <= 40; step++) meter.observe(delivered(Math.floor(step / 4) * 1000), step * 250);
    expect(meter.rate('shop', 'w')).toBeGreaterThan(800);
    expect(meter.rate('shop', 'w')).toBeLessThan(1300);
    for (let step = 1; step <= 400; step++) meter.observe(delivered(10_000), 10_000 + step * 250);
    expect(meter.rate('shop', 'w')).toBe(0);
  });
});
