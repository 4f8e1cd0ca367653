import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ScenarioName } from './scenarios.ts';

/** Seeds that a worker plays at once. */
export interface Job {
  readonly from: number;
  readonly count: number;
}

export interface Failure {
  readonly seed: number;
  readonly invariant: number;
  readonly property: string;
  readonly message: string;
  /** How much happened in its plan. */
  readonly happened: number;
  /** What of that it takes, as lines for a person. */
  readonly needed: readonly string[];
  /** The steps of the history in which only that happens. */
  readonly trace: readonly string[];
}

/** What a worker is started with. */
export interface WorkerOrder {
  readonly scenario: ScenarioName;
  readonly mutant: string | null;
  /** The steps of the last seed are wanted. */
  readonly traced: boolean;
  /** A failure is to be made small. */
  readonly tells: boolean;
}

/** What became of a job. */
export interface Report {
  /** How many held. */
  readonly seeds: number;
  readonly steps: number;
  readonly failure: Failure | null;
  readonly trace: readonly string[];
}

export interface Campaign {
  readonly scenario: ScenarioName;
  /** The first seed; 1 by default. */
  readonly from?: number;
  readonly seeds: number;
  /** Threads; as many as there are cores by default. */
  readonly workers?: number;
  /** Name of a broken variant; null for what is shipped. */
  readonly mutant?: string | null;
  /** Keeps the steps of the last seed. */
  readonly traced?: boolean;
  /** Makes a failure small, and tells its steps; true by default. */
  readonly tells?: boolean;
  /** Called now and then. @param seeds how many have held so far */
  readonly onProgress?: (seeds: number) => void;
}

export interface CampaignResult {
  readonly seeds: number;
  readonly steps: number;
  readonly seconds: number;
  /** The first that a worker met. */
  readonly failure: Failure | null;
  /** Of the last seed, when it was asked for. */
  readonly trace: readonly string[];
}

const JOB_SEEDS = 100;
/** A history leaves little behind: with room for many of them most is gone before anybody looks. */
const YOUNG_MIB = 64;

/** Plays seeds on several cores until all have held or one has not. */
export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const { scenario, seeds, from = 1, workers = availableParallelism(), mutant = null, onProgress = () => {} } = campaign;
  const order: WorkerOrder = { scenario, mutant, traced: campaign.traced ?? false, tells: campaign.tells ?? true };
  const started = performance.now();
  const total = { seeds: 0, steps: 0 };
  let next = from;
  const failures: Failure[] = [];
  let trace: readonly string[] = [];
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: order, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } });
    try {
      while (failures.length === 0 && next < from + seeds) {
        const count = Math.min(JOB_SEEDS, from + seeds - next);
        const report = answerOf(worker);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        worker.postMessage({ from: next, count } satisfies Job);
        next += count;
        const done = await report;
        trace = done.trace;
        total.seeds += done.seeds;
        total.steps += done.steps;
        if (done.failure !== null) failures.push(done.failure);
        onProgress(total.seeds);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, Math.ceil(seeds / JOB_SEEDS)) }, work));
  // Of two that fail at the same time the lower one.
  const [failure = null] = failures.toSorted((a, b) => a.seed - b.seed);
  return { ...total, seconds: (performance.now() - started) / 1000, failure, trace };
}

async function answerOf(worker: Worker): Promise<Report> {
  return await new Promise<Report>((resolve, reject) => {
    const forget = (): void => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', onExit);
    };
    const onMessage = (report: Report): void => {
      forget();
      resolve(report);
    };
    const onError = (error: Error): void => {
      forget();
      reject(error);
    };
    const onExit = (code: number): void => {
      forget();
      reject(new Error(`a worker ended with ${code}`));
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}
