export { measureMemory, type MemoryOptions, type MemoryResult, type SinkName } from './memory.ts';
