import type { CatchesUp } from './server.ts';
/** Sinks of class A and B, and one of class A that keeps a history; see docs/simulator.md for the others. */
export type SimMode = 'transactional' | 'staged' | 'history';
type Modes = readonly SimMode[];
type Span = readonly [least: number, most: number];

/** What the histories of a scenario are made of; probabilities are of a history, or of each chance to be used. */
export interface Scenario {
  /** For a person. */
  readonly about: string;
  readonly sinks: readonly Modes[];
  readonly transactions: Span;
  /** How many of them are there before anything runs. */
  readonly early: number;
  /** Chunks of a round, of one to three rows each. */
  readonly roundChunks: Span;
  /** Steps within which everything happens. */
  readonly steps: number;
  readonly faults: Span;
  readonly kills: number;
  readonly cuts: number;
  readonly takeovers: number;
  /** Transactions are sent before their end. */
  readonly streams: number;
  /** Statements that are about savepoints. */
  readonly savepoints: number;
  readonly truncates: number;
  readonly alters: number;
  /** Commits that wait for a standby before they are visible. */
  readonly hidden: number;
  /** Whether the log is read past the WAL sender. */
  readonly catchesUp: readonly CatchesUp[];
}

/** For those that look closer at something. */
const longer: Omit<Scenario, 'about'> = {
  sinks: [['transactional'], ['transactional'], ['transactional', 'transactional'], ['staged']],
  transactions: [3, 8],
  early: 2,
  roundChunks: [2, 6],
  steps: 90,
  faults: [0, 3],
  kills: 0.3,
  cuts: 0.2,
  takeovers: 0.15,
  streams: 0.1,
  savepoints: 0.15,
  truncates: 0.01,
  alters: 0,
  hidden: 0.1,
  catchesUp: ['never'],
};

export type ScenarioName = 'standard' | 'copy' | 'streamed' | 'schema' | 'sinks' | 'runners' | 'behind';

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  standard: {
    ...longer,
    about: 'one or two sinks, a few transactions, crashes, lost answers, a second runner',
    transactions: [2, 5],
    early: 1,
    roundChunks: [4, 8],
    steps: 45,
    faults: [0, 2],
  },
  copy: {
    ...longer,
    about: 'tables are copied by key while many transactions change them',
    transactions: [10, 24],
    early: 4,
    roundChunks: [1, 3],
    steps: 160,
    truncates: 0.04,
    hidden: 0.3,
    streams: 0.3,
  },
  streamed: {
    ...longer,
    about: 'transactions are sent before their end, with savepoints, while tables are copied',
    transactions: [6, 14],
    early: 3,
    roundChunks: [1, 3],
    steps: 110,
    streams: 1,
    savepoints: 0.3,
    hidden: 0.3,
  },
  schema: { ...longer, about: 'columns are added, dropped and renamed', transactions: [5, 12], alters: 0.4 },
  sinks: {
    ...longer,
    about: 'one to three sinks on one source: mirrors of two classes, and histories',
    sinks: [
      ['transactional', 'transactional'],
      ['transactional', 'staged'],
      ['staged', 'staged'],
      ['transactional', 'staged', 'transactional'],
      ['history'],
      ['transactional', 'history'],
      ['staged', 'history', 'transactional'],
    ],
    transactions: [5, 12],
    early: 3,
    roundChunks: [2, 4],
    faults: [1, 5],
  },
  runners: {
    ...longer,
    about: 'a second runner takes over while the first is suspended',
    sinks: [['transactional'], ['transactional', 'transactional'], ['transactional', 'history']],
    takeovers: 1,
    kills: 0.5,
    faults: [1, 4],
  },
  behind: {
    ...longer,
    about: 'the log is read past the WAL sender, always or by turns, while tables are copied',
    transactions: [6, 14],
    early: 3,
    roundChunks: [1, 3],
    steps: 130,
    faults: [0, 4],
    takeovers: 0.3,
    streams: 0.5,
    hidden: 0.2,
    catchesUp: ['always', 'by turns', 'by turns'],
  },
};
