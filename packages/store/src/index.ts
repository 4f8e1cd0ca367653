export type { Store, StoredCheckpoint } from './store.ts';
