// The doubles in memory without the tests' own tools: for programs that run outside of a test runner.
export { foldHistory } from './fold-history.ts';
export { MemorySink } from './memory-sink.ts';
export { MemoryTarget } from './memory-target.ts';
export { seededRandom } from './seeded-random.ts';
export type { Cells } from './table-content.ts';
