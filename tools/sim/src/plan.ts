import type { Statement } from './statement.ts';
import { Dice } from './dice.ts';
import type { CatchesUp } from './server.ts';
import type { FaultKind } from './sim-process.ts';
import { scenarios, type Scenario, type ScenarioName, type SimMode } from './scenarios.ts';
import { keysOf } from './sim-tables.ts';

/** Something that happens to the world, at a step or as soon as there is one. */
export type Happening = { readonly at: number } & (
  | { readonly what: 'statement'; readonly transaction: number; readonly statement: Statement }
  /** @property shown whether others see it at once */
  | { readonly what: 'commit'; readonly transaction: number; readonly shown: boolean }
  | { readonly what: 'roll back'; readonly transaction: number }
  | { readonly what: 'show'; readonly transaction: number }
  | { readonly what: 'alter'; readonly statement: Extract<Statement, { does: 'alter' }> }
  | { readonly what: 'noise' }
  | { readonly what: 'keepalive'; readonly asks: 'position' | 'reply' }
  | { readonly what: 'cut' }
  | { readonly what: 'kill' }
  | { readonly what: 'stop' }
  /** A second runner starts while the first is suspended, and the first comes back. */
  | { readonly what: 'take over' }
  | { readonly what: 'come back' }
  /** A fault of the process that starts next. */
  | { readonly what: 'fault'; readonly process: number; readonly on: string; readonly call: number; readonly does: FaultKind }
);

/** All that a history depends on. Without some of what happens it is a plan as well. */
export interface Plan {
  readonly scenario: ScenarioName;
  readonly seed: number;
  readonly sinks: Readonly<Record<string, SimMode>>;
  readonly bufferBytes: number;
  readonly streamsAfter: number | null;
  /** Rows of a batch of the stream, and of a chunk of a copy. */
  readonly batchRows: number;
  readonly chunkRows: number;
  /** Chunks of a round. */
  readonly roundChunks: number;
  readonly catchesUp: CatchesUp;
  readonly pieces: readonly [least: bigint, largest: bigint];
  readonly happenings: readonly Happening[];
}

const faultKinds: readonly FaultKind[] = ['crash before', 'crash after', 'refuse', 'lose answer', 'slow'];
const operationsOf: Readonly<Record<SimMode, readonly string[]>> = {
  transactional: ['open', 'recover', 'write', 'commit', 'commit', 'dispose'],
  history: ['open', 'recover', 'write', 'commit', 'commit', 'dispose'],
  staged: ['open', 'recover', 'write', 'stage', 'apply', 'dispose'],
};
const sourceOperations = ['source.open', 'source.connect', 'source.status', 'copy.begin', 'copy.snapshot', 'copy.mark', 'copy.chunk'];
/** A few records, of which the smallest are smaller than a transaction. */
const PIECES = [24n, 96n] as const;
const catchUpOperations = ['source.copy', 'source.extent', 'source.advance', 'source.cancel'];
const storeOperations = ['store.load', 'store.save', 'store.save'];

/** The plan of a seed. */
export function makePlan(scenario: ScenarioName, seed: number): Plan {
  const dice = new Dice(Math.imul(seed, 0x9e37_79b1) ^ 0x5bd1_e995);
  const kind = scenarios[scenario];
  const sinks = Object.fromEntries(dice.oneOf(kind.sinks).map((mode, index) => [`sink${index}`, mode]));
  const happenings = [...writes(dice, kind), ...troubles(dice, kind, isShared(sinks)), ...faults(dice, kind, sinks)];
  return {
    scenario,
    seed,
    sinks,
    bufferBytes: dice.oneOf([6000, 12_000, 60_000]),
    streamsAfter: dice.chance(kind.streams) ? dice.between(1, 3) : null,
    batchRows: dice.between(1, 5),
    chunkRows: dice.between(1, 3),
    roundChunks: dice.between(...kind.roundChunks),
    catchesUp: dice.oneOf(kind.catchesUp),
    pieces: PIECES,
    happenings: happenings.toSorted((a, b) => a.at - b.at),
  };
}

/** Transactions, most of them short, some open while others come and go. The first are there before anything runs. */
function writes(dice: Dice, kind: Scenario): Happening[] {
  const { transactions, early, steps, alters, hidden } = kind;
  const happenings: Happening[] = [];
  const count = dice.between(...transactions);
  for (let transaction = 0; transaction < count; transaction++) {
    const isEarly = transaction < early;
    let at = isEarly ? 0 : dice.between(1, steps);
    if (dice.chance(alters)) {
      const how = dice.oneOf(['add', 'add', 'drop', 'rename'] as const);
      happenings.push({ at, what: 'alter', statement: { does: 'alter', table: dice.oneOf(tableNames), how } });
    }
    for (let statements = dice.between(1, isEarly ? 6 : 4); statements > 0; statements--) {
      happenings.push({ at, what: 'statement', transaction, statement: statementOf(dice, kind) });
      if (!isEarly && dice.chance(0.3)) at += dice.upTo(12);
    }
    if (!isEarly && dice.chance(0.2)) at += dice.upTo(40);
    if (!isEarly && dice.chance(0.12)) {
      happenings.push({ at, what: 'roll back', transaction });
      continue;
    }
    const shown = isEarly || !dice.chance(hidden);
    happenings.push({ at, what: 'commit', transaction, shown });
    if (!shown) happenings.push({ at: at + dice.between(1, 40), what: 'show', transaction });
  }
  return happenings;
}

/** Two runners at once have no store in common: its file is locked by the first. */
function isShared(sinks: Plan['sinks']): boolean {
  return Object.values(sinks).every((mode) => mode !== 'staged');
}

const tableNames = Object.keys(keysOf);

function statementOf(dice: Dice, { savepoints, truncates }: Scenario): Statement {
  const table = dice.oneOf(tableNames);
  const keys = keysOf[table]!;
  const key = dice.oneOf(keys);
  if (dice.chance(truncates)) return { does: 'truncate', table };
  if (dice.chance(savepoints)) return { does: dice.oneOf(['savepoint', 'savepoint', 'release', 'rollback to savepoint']) };
  const chosen = dice.real();
  if (chosen < 0.6) return { does: 'put', table, key, keepsLarge: dice.chance(0.4) };
  if (chosen < 0.78) return { does: 'delete', table, key };
  return { does: 'move', table, key, to: dice.oneOf(keys), keepsLarge: dice.chance(0.5) };
}

/** What happens to runners and connections. */
function troubles(dice: Dice, { steps, takeovers, kills, cuts }: Scenario, mayBeTwo: boolean): Happening[] {
  const happenings: Happening[] = [];
  const anywhere = (): number => dice.between(5, steps);
  const killAt = dice.chance(kills) ? anywhere() : null;
  if (killAt !== null) happenings.push({ at: killAt, what: 'kill' });
  if (dice.chance(cuts)) happenings.push({ at: anywhere(), what: 'cut' });
  if (dice.chance(0.15)) happenings.push({ at: anywhere(), what: 'stop' });
  if (mayBeTwo && dice.chance(takeovers)) {
    // Often while the next runner opens what it needs.
    const at = killAt !== null && dice.chance(0.5) ? killAt + dice.between(1, 16) : anywhere();
    happenings.push({ at, what: 'take over' }, { at: at + dice.between(5, 60), what: 'come back' });
  }
  if (dice.chance(0.5)) happenings.push({ at: anywhere(), what: 'noise' });
  if (dice.chance(0.5)) happenings.push({ at: anywhere(), what: 'keepalive', asks: dice.oneOf(['position', 'reply']) });
  return happenings;
}

function faults(dice: Dice, { faults: count, catchesUp }: Scenario, sinks: Plan['sinks']): Happening[] {
  const reads = catchesUp.some((when) => when !== 'never');
  const needsStore = Object.values(sinks).includes('staged');
  const atSinks = Object.entries(sinks).flatMap(([name, mode]) => operationsOf[mode].map((operation) => `${name}.${operation}`));
  const all = [...atSinks, ...atSinks, ...sourceOperations, ...(reads ? catchUpOperations : []), ...(needsStore ? storeOperations : [])];
  return Array.from({ length: dice.between(...count) }, (): Happening => {
    return { at: 0, what: 'fault', process: dice.upTo(1), on: dice.oneOf(all), call: dice.between(1, 5), does: dice.oneOf(faultKinds) };
  });
}

/** One line for what happens. */
export function describe(happening: Happening): string {
  switch (happening.what) {
    case 'statement':
      return `transaction ${happening.transaction}: ${Object.values(happening.statement).join(' ')}`;
    case 'commit':
      return `transaction ${happening.transaction}: commit${happening.shown ? '' : ', not visible yet'}`;
    case 'roll back':
      return `transaction ${happening.transaction}: roll back`;
    case 'show':
      return `transaction ${happening.transaction} is visible`;
    case 'alter':
      return `alter ${happening.statement.table}: ${happening.statement.how} a column`;
    case 'keepalive':
      return `keepalive, for ${happening.asks}`;
    case 'fault':
      return `fault of runner ${happening.process}: call ${happening.call} of ${happening.on}: ${happening.does}`;
    default:
      return happening.what;
  }
}

