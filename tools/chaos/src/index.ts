export { runChaos, type ChaosOptions, type ChaosResult } from './chaos.ts';
export { summary } from './summary.ts';
export { schedule, type Fault, type SinkKind, type Step } from './schedule.ts';
