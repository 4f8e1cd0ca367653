import { SeededRandom } from '@weir/cli';

export type SinkKind = 'postgres' | 'duckdb';
export type Side = 'source' | 'sink';

/** What is done, and to whom. */
export type Fault =
  | { readonly kind: 'kill' }
  | { readonly kind: 'kill at the commit'; readonly pass: number }
  | { readonly kind: 'pause the runner'; readonly ms: number }
  | { readonly kind: 'stutter'; readonly ms: number }
  | { readonly kind: 'stop the server'; readonly side: Side; readonly mode: 'fast' | 'immediate'; readonly ms: number }
  | { readonly kind: 'pause the server'; readonly side: Side; readonly ms: number }
  | { readonly kind: 'reset'; readonly side: Side }
  | { readonly kind: 'reset after'; readonly side: Side; readonly bytes: number }
  | { readonly kind: 'silence'; readonly side: Side; readonly ms: number }
  | { readonly kind: 'slow'; readonly side: Side; readonly delayMs: number; readonly ms: number }
  | { readonly kind: 'drop the answer to COMMIT' }
  | { readonly kind: 'full disk'; readonly ms: number }
  | { readonly kind: 'second runner' }
  | { readonly kind: 'takeover'; readonly of: 'killed' | 'stopped'; readonly ms: number };

export type FaultKind = Fault['kind'];

/** A fault and what comes before and after it. */
export interface Step {
  /** How long everything is left alone before it, in ms. */
  readonly rest: number;
  readonly fault: Fault;
  /** Whether the sink has to commit again before the next step; otherwise the next fault meets whatever this one left. */
  readonly settles: boolean;
}

type Draw = (random: SeededRandom) => Fault;

const side = (random: SeededRandom, sink: SinkKind): Side => (sink === 'duckdb' ? 'source' : random.pick(['source', 'sink']));

/** Every fault that there is with a sink. Between a runner and its DuckDB file there is no network and no server. */
function draws(sink: SinkKind): Draw[] {
  const both: Draw[] = [
    () => ({ kind: 'kill' }),
    (random) => ({ kind: 'pause the runner', ms: random.int(300, 2500) }),
    (random) => ({ kind: 'stop the server', side: side(random, sink), mode: 'fast', ms: random.int(100, 1500) }),
    (random) => ({ kind: 'stop the server', side: side(random, sink), mode: 'immediate', ms: random.int(100, 1500) }),
    (random) => ({ kind: 'pause the server', side: side(random, sink), ms: random.int(300, 2500) }),
    (random) => ({ kind: 'reset', side: side(random, sink) }),
    (random) => ({ kind: 'reset after', side: side(random, sink), bytes: Math.floor(10 ** (1 + random.next() * 4.5)) }),
    (random) => ({ kind: 'silence', side: side(random, sink), ms: random.int(300, 2500) }),
    (random) => ({ kind: 'full disk', ms: random.int(800, 2500) }),
    () => ({ kind: 'second runner' }),
    (random) => ({ kind: 'takeover', of: 'killed', ms: random.int(500, 1500) }),
    (random) => ({ kind: 'stutter', ms: random.int(1000, 2500) }),
  ];
  if (sink === 'duckdb') return [...both, (random) => ({ kind: 'kill at the commit', pass: random.int(1, 6) })];
  return [
    ...both,
    () => ({ kind: 'drop the answer to COMMIT' }),
    (random) => ({ kind: 'slow', side: 'sink', delayMs: random.int(10, 80), ms: random.int(1000, 2500) }),
    (random) => ({ kind: 'takeover', of: 'stopped', ms: random.int(500, 1500) }),
  ];
}

/** Steps without an end, the same for the same seed: each kind of fault once in every round, in an order of chance. */
export function* schedule(seed: number, sink: SinkKind): Generator<Step> {
  const random = new SeededRandom(seed);
  while (true) {
    for (const draw of shuffled(draws(sink), random)) {
      yield { rest: random.int(100, 900), fault: draw(random), settles: random.next() < 0.6 };
    }
  }
}

function shuffled<T>(values: readonly T[], random: SeededRandom): T[] {
  const order = [...values];
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.int(0, last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** One line about a fault. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return 'runner: kill -9';
    case 'kill at the commit':
      return `runner: kill -9 after COMMIT number ${fault.pass}, before its answer is known`;
    case 'pause the runner':
      return `runner: SIGSTOP, SIGCONT after ${fault.ms} ms`;
    case 'stutter':
      return `runner: SIGSTOP and SIGCONT again and again, for ${fault.ms} ms`;
    case 'stop the server':
      return `${fault.side} server: stopped (${fault.mode}), started again after ${fault.ms} ms`;
    case 'pause the server':
      return `${fault.side} server: SIGSTOP to all its processes, SIGCONT after ${fault.ms} ms`;
    case 'reset':
      return `${fault.side} connections: reset`;
    case 'reset after':
      return `${fault.side} connections: one is reset after ${fault.bytes} more bytes`;
    case 'silence':
      return `${fault.side} connections: nothing passes for ${fault.ms} ms, then they are reset`;
    case 'slow':
      return `${fault.side} connections: each piece is ${fault.delayMs} ms late, for ${fault.ms} ms`;
    case 'drop the answer to COMMIT':
      return 'sink connection: COMMIT is carried out, its answer is dropped';
    case 'full disk':
      return `sink's disk: full for ${fault.ms} ms`;
    case 'second runner':
      return 'second runner with the same state: has to be refused';
    case 'takeover':
      return `second runner with a state of its own; the first is ${fault.of} after ${fault.ms} ms`;
  }
}
