export { memory } from './memory.ts';
export { snapshot } from './snapshot.ts';
export { stream } from './stream.ts';
export { markdown, type Report, type SinkName, type Suite, type SuiteOptions } from './suite.ts';
