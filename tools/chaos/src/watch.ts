import { setTimeout as sleep } from 'node:timers/promises';
import { SOUND, soundness, tables } from './bank.ts';
import type { ChaosSink, Row } from './sink.ts';

const POLL_MS = 120;
/** Nothing that is done takes a pipeline away for longer, its pauses between tries included. In ms. */
const PROGRESS_MS = 150_000;

const MIRROR = `SELECT position FROM weir.checkpoint WHERE sink = 'mirror'`;
const STATES = `SELECT CAST(state AS varchar) AS state FROM weir.checkpoint WHERE pipeline = 'bank'`;
const CHECK = `SELECT (${MIRROR}) AS position, s.* FROM (${soundness('public')}) s`;

/** Reads the sink all the time, past the proxy, and holds what it sees against what is so at every commit of the source. */
export class Watch {
  readonly #sink: ChaosSink;
  readonly #state: () => string;
  readonly #wrong: (what: string) => void;
  readonly #stopping = new AbortController();
  readonly #positions = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  /** Snapshots of the sink in which the sums were right. */
  sums = 0;
  /** Whether every table is copied. */
  isCopied = false;

  /**
   * @param state directory of the runner that is at work now
   * @param wrong is told what cannot be
   */
  constructor(sink: ChaosSink, state: () => string, wrong: (what: string) => void) {
    this.#sink = sink;
    this.#state = state;
    this.#wrong = wrong;
  }

  /** Checkpoints of the mirror that were seen. */
  get commits(): number {
    return this.#positions.size;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Resolves when the sink has committed anew. @throws Error when it does not */
  async progress(signal: AbortSignal): Promise<void> {
    await this.#until(() => this.commits, this.commits + 2, signal);
  }

  /** Resolves when the mirror is behind an LSN, as 16 digits. */
  async past(lsn: string, signal: AbortSignal): Promise<void> {
    const isPast = (): number => [...this.#positions].filter((position) => position.split('.')[1]! > lsn).length;
    await this.#until(isPast, 1, signal);
  }

  /** Resolves when every table is copied. */
  async copied(signal: AbortSignal): Promise<void> {
    await this.#until(() => Number(this.isCopied), 1, signal);
  }

  async #until(what: () => number, least: number, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + PROGRESS_MS;
    while (what() < least) {
      if (performance.now() > deadline) throw new Error(`the sink has committed nothing for ${PROGRESS_MS / 1000} s`);
      await sleep(POLL_MS / 2, undefined, { signal });
    }
  }

  /** Looks once. @param ask how the sink is asked */
  async look(ask: (sql: string) => Promise<Row[]>): Promise<void> {
    try {
      this.isCopied ||= allCopied(await ask(STATES));
      if (!this.isCopied) {
        const [row] = await ask(MIRROR);
        if (row?.['position'] != null) this.#positions.add(row['position']);
        return;
      }
      const [row] = await ask(CHECK);
      const { position = null, ...seen } = row ?? {};
      if (position !== null) this.#positions.add(position);
      this.sums++;
      const isSound = Object.entries(SOUND).every(([name, value]) => seen[name] === value);
      if (!isSound) this.#wrong(`at ${position} the sink has ${JSON.stringify(seen)} instead of ${JSON.stringify(SOUND)}`);
    } catch (error) {
      if (this.isCopied && isAboutTables(error)) this.#wrong(`the sink does not answer: ${(error as Error).message}`);
    }
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const state = this.#state();
      await this.look(async (sql) => await this.#sink.ask(sql, state));
      await sleep(POLL_MS);
    }
  }
}

/**
 * Whether the checkpoints of mirror and history both say that each table is copied whole, and that the stream has come by
 * what was read last: until then that is of a later moment than the rest.
 */
function allCopied(states: readonly Row[]): boolean {
  return (
    states.length === 2 &&
    states.every(({ state }) => {
      if (state == null) return false;
      const { round, tables: known } = JSON.parse(state) as CopyState;
      if (round !== undefined) return false;
      return Object.keys(tables).every((table) => known.some(({ name, chunks }) => name === table && chunks?.done === true));
    })
  );
}

interface CopyState {
  readonly round?: unknown;
  readonly tables: readonly { readonly name: string; readonly chunks?: { readonly done: boolean } }[];
}

/** An answer of the sink, not a sink that is away: no table, no column. */
function isAboutTables(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (typeof code === 'string' && code.startsWith('42')) || String(message).includes('Catalog Error');
}
