import { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NOW, pipelineStatus } from '../status.fake.ts';
import { LiveView } from './live-view.ts';

/** A stream that remembers what was written, a terminal or not. */
class Screen extends Writable {
  readonly writes: string[] = [];
  readonly isTTY: boolean;
  columns = 80;
  rows = 24;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override write(text: string): boolean {
    this.writes.push(text);
    return true;
  }

  get stream(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }
}

const status = () => ({ at: NOW, pid: 1, startedAt: NOW, pipelines: [pipelineStatus()] });

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubEnv('TERM', 'xterm-256color');
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('on a terminal', () => {
  test('one write a frame, at most four a second, over the frame before', () => {
    const screen = new Screen(true);
    const view = new LiveView({ stream: screen.stream });
    view.start(status);
    expect(screen.writes.shift()).toBe('\u001B[?25l');
    vi.advanceTimersByTime(1000);
    expect(screen.writes).toHaveLength(5);
    const lines = screen.writes[0]!.split('\n').length - 1;
    for (const frame of screen.writes.slice(1)) expect(frame).toContain(`\r\u001B[${lines}A`);
    view.stop();
    expect(screen.writes.at(-1)).toBe('\u001B[?25h');
    const count = screen.writes.length;
    vi.advanceTimersByTime(5000);
    expect(screen.writes).toHaveLength(count);
  });

  test('a terminal made narrower has wrapped the lines: it goes up by what they take now', () => {
    const screen = new Screen(true);
    const view = new LiveView({ stream: screen.stream });
    view.start(status);
    screen.columns = 40;
    vi.advanceTimersByTime(250);
    const before = screen.writes.at(-2)!.split('\n').length - 1;
    const up = Number(/\u001B\[(\d+)A/.exec(screen.writes.at(-1)!)![1]); // oxlint-disable-line no-control-regex
    expect(up).toBeGreaterThan(before);
    view.stop();
  });

  test('lines are printed above the view', () => {
    const screen = new Screen(true);
    const view = new LiveView({ stream: screen.stream });
    view.start(status);
    view.print('hello\nthere');
    vi.advanceTimersByTime(250);
    expect(screen.writes.at(-1)).toContain('hello\u001B[K\nthere\u001B[K\n');
    view.stop();
    view.print('after');
    expect(screen.writes.at(-1)).toBe('after\n');
  });

  test('clear takes the view off the screen', () => {
    const screen = new Screen(true);
    const view = new LiveView({ stream: screen.stream });
    view.start(status);
    const lines = screen.writes[1]!.split('\n').length - 1;
    view.clear();
    expect(screen.writes.slice(2)).toEqual([`\r\u001B[${lines}A\u001B[J`, '\u001B[?25h']);
  });

  test('the cursor comes back when the process exits, and what waits is printed', () => {
    const screen = new Screen(true);
    const view = new LiveView({ stream: screen.stream });
    const before = process.listeners('exit');
    view.start(status);
    const [listener] = process.listeners('exit').filter((each) => !before.includes(each));
    view.print('last words');
    listener!(1);
    expect(screen.writes.at(-1)).toBe('last words\n\u001B[?25h');
    view.stop();
    expect(process.listeners('exit')).toEqual(before);
  });
});

describe('elsewhere', () => {
  test('a line every few seconds, no escape sequence', () => {
    const screen = new Screen(false);
    const view = new LiveView({ stream: screen.stream, lineEveryMs: 2000 });
    view.start(status);
    vi.advanceTimersByTime(6500);
    view.stop();
    expect(screen.writes.length).toBeGreaterThanOrEqual(3);
    for (const line of screen.writes) expect(line).toMatch(/^shop streaming → warehouse 1,234 rows .*lag 42 ms\n$/);
  });

  test('a terminal that can do nothing gets lines too', () => {
    vi.stubEnv('TERM', 'dumb');
    const screen = new Screen(true);
    const view = new LiveView({ stream: screen.stream });
    view.start(status);
    vi.advanceTimersByTime(1000);
    view.stop();
    expect(screen.writes).toEqual([]);
  });
});
