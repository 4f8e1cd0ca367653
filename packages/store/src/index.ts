export { memoryStore } from './memory-store.ts';
export { openSqliteStore, readHints } from './sqlite-store.ts';
export type { Store, StoredCheckpoint, StoredHint } from './store.ts';
