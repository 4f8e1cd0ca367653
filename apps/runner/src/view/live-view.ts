import type { RuntimeStatus } from '../runtime-status.ts';
import { paintFor } from './paint.ts';
import { RateMeter } from './rate-meter.ts';
import { render, statusLine } from './render.ts';
import { textWidth } from './text-width.ts';

const FRAME_MS = 250;
/** Without a screen, where a line comes every few seconds. */
const LOOK_MS = 1_000;
const LINE_EVERY_MS = 5000;
const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
/** A terminal that knows these draws everything between them at once. */
const BEGIN_FRAME = '\u001B[?2026h';
const END_FRAME = '\u001B[?2026l';
const CLEAR_TO_LINE_END = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';

export interface LiveViewOptions {
  /** Where to draw; stderr by default. */
  readonly stream?: NodeJS.WriteStream;
  readonly footer?: string;
  /** How often there is a line where there is no terminal, in ms. */
  readonly lineEveryMs?: number;
  /** Writes such a line; to the stream by default. */
  readonly writeLine?: (line: string, status: RuntimeStatus) => void;
}

/** True when a view can be redrawn in place. */
export function isInteractive(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env['TERM'] !== 'dumb';
}

/**
 * Shows how pipelines do. On a terminal it is a view redrawn in place, at most four times a second, one write a frame;
 * elsewhere a line per pipeline every few seconds.
 */
export class LiveView {
  readonly #stream: NodeJS.WriteStream;
  readonly #options: LiveViewOptions;
  readonly #rates = new RateMeter();
  readonly #interactive: boolean;
  #getStatus: (() => RuntimeStatus) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #drawn: readonly string[] = [];
  #lastLineAt = performance.now();
  /** Lines to print above the view with the next frame. */
  #above: string[] = [];

  constructor(options: LiveViewOptions = {}) {
    this.#options = options;
    this.#stream = options.stream ?? process.stderr;
    this.#interactive = isInteractive(this.#stream);
  }

  start(getStatus: () => RuntimeStatus): void {
    if (this.#timer !== null) return;
    this.#getStatus = getStatus;
    this.#timer = setInterval(() => this.#tick(), this.#interactive ? FRAME_MS : LOOK_MS);
    if (!this.#interactive) return;
    this.#stream.write(HIDE_CURSOR);
    process.on('exit', this.#restoreCursor);
    this.#tick();
  }

  /** Draws the last state and leaves it on the screen. */
  stop(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#tick();
    this.#end();
  }

  /** Takes the view off the screen: what ended it is about to be told. */
  clear(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    if (this.#interactive) this.#stream.write(`${this.#toStart()}${CLEAR_BELOW}`);
    this.#end();
  }

  #end(): void {
    this.#getStatus = null;
    this.#drawn = [];
    if (!this.#interactive) return;
    process.off('exit', this.#restoreCursor);
    this.#restoreCursor();
  }

  /** Moves to where the last frame begins. */
  #toStart(): string {
    const up = rowsTaken(this.#drawn, this.#stream.columns);
    return up > 0 ? `\r\u001B[${up}A` : '\r';
  }

  /** Prints a line above the view; it stays on the screen. */
  print(line: string): void {
    if (this.#timer === null || !this.#interactive) this.#stream.write(`${line}\n`);
    else this.#above.push(...line.split('\n'));
  }

  readonly #restoreCursor = (): void => {
    const waiting = this.#above.splice(0).map((line) => `${line}\n`);
    this.#stream.write(waiting.join('') + SHOW_CURSOR);
  };

  #tick(): void {
    if (this.#getStatus === null) return;
    const status = this.#getStatus();
    for (const pipeline of status.pipelines) this.#rates.observe(pipeline, performance.now());
    if (this.#interactive) this.#draw(status);
    else this.#line(status);
  }

  #draw(status: RuntimeStatus): void {
    const { columns, rows } = this.#stream;
    const footer = this.#timer === null ? undefined : this.#options.footer;
    const lines = render(status.pipelines, {
      width: columns - 1,
      height: rows - 1,
      now: status.at,
      startedAt: status.startedAt,
      rates: this.#rates,
      paint: paintFor(this.#stream),
      ...(footer === undefined ? {} : { footer }),
    });
    const body = [...this.#above.splice(0), ...lines].map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join('');
    this.#stream.write(`${BEGIN_FRAME}${this.#toStart()}${body}${CLEAR_BELOW}${END_FRAME}`);
    this.#drawn = lines;
  }

  #line(status: RuntimeStatus): void {
    const now = performance.now();
    if (now - this.#lastLineAt < (this.#options.lineEveryMs ?? LINE_EVERY_MS)) return;
    this.#lastLineAt = now;
    const write = this.#options.writeLine ?? ((line) => this.#stream.write(`${line}\n`));
    for (const pipeline of status.pipelines) write(statusLine(pipeline, this.#rates), { ...status, pipelines: [pipeline] });
  }
}

/** Rows of the screen that lines take now; a terminal made narrower has wrapped them. */
function rowsTaken(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)), 0);
}
