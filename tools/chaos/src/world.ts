import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBank } from './bank.ts';
import { Runner, lastCode } from './runner.ts';
import type { SinkKind } from './schedule.ts';
import { ChaosServer } from './server.ts';
import { createSink, type ChaosSink } from './sink.ts';
import { Watch } from './watch.ts';

/** What was done and seen. */
export interface Counts {
  kills: number;
  pauses: number;
  stops: number;
  resets: number;
  droppedAnswers: number;
  fullDisks: number;
  slowdowns: number;
  refusals: number;
  takeovers: number;
  /** Starts of a runner behind the first. */
  restarts: number;
}

/** A runner of the pipeline with a state directory of its own. */
export type Post = 'first' | 'second';

/** The source, the sink, and the runner that is at work between them. */
export class World implements AsyncDisposable {
  readonly folder: string;
  readonly source: ChaosServer;
  readonly sink: ChaosSink;
  readonly watch: Watch;
  readonly counts: Counts = {
    kills: 0, pauses: 0, stops: 0, resets: 0, droppedAnswers: 0, fullDisks: 0, slowdowns: 0, refusals: 0, takeovers: 0, restarts: 0,
  };
  /** What should not have been. */
  readonly problems: string[] = [];
  readonly #failing = new AbortController();
  #post: Post = 'first';
  #runner: Runner | null = null;
  readonly #runners = new Set<Runner>();

  private constructor(folder: string, source: ChaosServer, sink: ChaosSink) {
    this.folder = folder;
    this.source = source;
    this.sink = sink;
    this.watch = new Watch(sink, () => this.#stateOf(this.#post), (what) => this.wrong(what));
  }

  static async create(kind: SinkKind): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'weir-chaos-'));
    const source = await ChaosServer.start();
    const world = new World(folder, source, await createSink(kind, folder));
    await createBank(source.url());
    for (const post of ['first', 'second'] as const) await world.#configure(post);
    return world;
  }

  /** Aborted at the first thing that is wrong. */
  get failed(): AbortSignal {
    return this.#failing.signal;
  }

  wrong(what: string): void {
    this.problems.push(what);
    this.#failing.abort();
  }

  get runner(): Runner {
    return this.#runner!;
  }

  get post(): Post {
    return this.#post;
  }

  fileOf(post: Post): string {
    return join(this.folder, `${post}.yaml`);
  }

  /** Starts a runner, which from now on is the one at work. One that ends by itself is a problem. */
  start(post: Post = this.#post): Runner {
    const runner = new Runner(['run', this.fileOf(post)]);
    this.adopt(runner, post);
    return runner;
  }

  /** Makes a runner that was started otherwise the one at work. */
  adopt(runner: Runner, post: Post): void {
    if (this.#runners.size > 0 && !this.#runners.has(runner)) this.counts.restarts++;
    this.#runner = runner;
    this.#post = post;
    this.#runners.add(runner);
    void runner.ended.then(({ code, signal, stderr }) => {
      if (runner.isExpectedToEnd || this.#runner !== runner) return;
      this.wrong(`the runner ended by itself with ${signal ?? `code ${code}`}, ${lastCode(stderr)}\n${tail(stderr)}`);
    });
  }

  /** How often the runners at work have written each error code, by code. */
  get codes(): Record<string, number> {
    const all: Record<string, number> = {};
    for (const { codes } of this.#runners) for (const [code, count] of codes) all[code] = (all[code] ?? 0) + count;
    return Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** What the runners at work have called a defect of their own. */
  get defects(): string[] {
    return [...this.#runners].flatMap(({ defects }) => defects);
  }

  /** Asks until there is an answer: the source may be away at the moment. */
  async askSource(sql: string): Promise<string> {
    for (let tries = 0; ; tries++) {
      try {
        const [row] = await this.source.ask('postgres', sql);
        return String(Object.values(row ?? {})[0]);
      } catch (error) {
        if (tries > 100) throw error;
        await sleep(100);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch.stop();
    for (const runner of this.#runners) await runner.kill();
    await this.sink[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  #stateOf(post: Post): string {
    return join(this.folder, `${post}.state`);
  }

  async #configure(post: Post): Promise<void> {
    // So near that the log is read by the WAL sender and past it in turn.
    const catch_up_at = 256 << 10;
    const source = { postgres: { url: this.source.proxiedUrl(), tables: ['public.*'], catch_up_at, snapshot: { chunk_rows: 4000 } } };
    const history = { ...this.sink.block, mode: 'append', target: { schema: 'history' } };
    const pipelines = { bank: { source, sinks: { mirror: this.sink.block, history } } };
    // JSON is YAML.
    await writeFile(this.fileOf(post), JSON.stringify({ version: 1, state: this.#stateOf(post), http: false, pipelines }));
  }
}

export function tail(stderr: string): string {
  return stderr.trimEnd().split('\n').slice(-12).join('\n');
}
