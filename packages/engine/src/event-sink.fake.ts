import {
  WeirError,
  tableName,
  type Batch,
  type CheckResult,
  type Checkpoint,
  type Json,
  type Sink,
  type SinkBase,
  type SinkSession,
  type StopReason,
} from '@weir/sdk';
import { seeBatch, type SeenBatch, type SeenRow } from '@weir/testkit';
import { POISON, rowText, shapeText } from './random-shapes.fake.ts';

/** What a session wrote, in order: events of tables, and marks. */
type Written = { readonly table: string; readonly text: string } | { readonly stops: string; readonly reason: StopReason };

interface Staged {
  readonly written: readonly Written[];
  readonly checkpoint: Checkpoint;
}

/** What an {@link EventSink} keeps: every event that it committed, by table, its checkpoint and its marks. */
export class EventTarget {
  readonly events = new Map<string, string[]>();
  readonly stopped = new Map<string, StopReason>();
  /** Tables that were ever stopped. */
  readonly everStopped = new Set<string>();
  checkpoint: Checkpoint | null = null;
  onCommit: (checkpoint: Checkpoint) => void = () => {};
  fence = 0;
  readonly staged = new Map<number, Staged>();

  commit({ written, checkpoint }: Staged): void {
    for (const item of written) {
      if ('stops' in item) {
        this.stopped.set(item.stops, item.reason);
        this.everStopped.add(item.stops);
        continue;
      }
      if (item.text.includes(' create ')) this.stopped.delete(item.table);
      if (this.stopped.has(item.table)) throw new WeirError('WEIR_SDK_USE', `${item.table} is stopped: ${item.text}`);
      const events = this.events.get(item.table) ?? [];
      this.events.set(item.table, [...events, item.text]);
    }
    this.checkpoint = checkpoint;
    this.onCommit(checkpoint);
  }
}

/** A sink that keeps what it is given, in order, and refuses poisoned rows if it is told to. */
export class EventSink implements Sink {
  readonly #target: EventTarget;
  readonly #mode: 'transactional' | 'staged';
  readonly #refuses: boolean;

  constructor(target: EventTarget, mode: 'transactional' | 'staged', refuses: boolean) {
    this.#target = target;
    this.#mode = mode;
    this.#refuses = refuses;
  }

  async open(): Promise<SinkSession> {
    const target = this.#target;
    const fence = ++target.fence;
    const assertFence = (): void => {
      if (fence !== target.fence) throw new WeirError('WEIR_DUCKDB_FENCED', 'another session has taken the fence');
    };
    const pending: Written[] = [];
    const take = (checkpoint: Checkpoint): Staged => ({ written: pending.splice(0), checkpoint });
    const base: SinkBase & { recover(): Promise<Checkpoint | null> } = {
      recover: async () => target.checkpoint,
      write: async (batch) => void pending.push(...this.#written(batch)),
      get stoppedTables() {
        return new Map(target.stopped);
      },
      stopTable: async (table, reason) => void pending.push({ stops: tableName(table), reason }),
      // A server carries out what was sent before the connection is closed, also late: the fence decides (invariant 5).
      [Symbol.asyncDispose]: async () => {},
    };
    if (this.#mode === 'transactional') {
      const commit = async (checkpoint: Checkpoint): Promise<void> => {
        assertFence();
        target.commit(take(checkpoint));
      };
      return Object.defineProperties({ mode: 'transactional', commit } as SinkSession, Object.getOwnPropertyDescriptors(base));
    }
    const stage = async (checkpoint: Checkpoint): Promise<Json> => {
      assertFence();
      target.staged.set(target.staged.size + 1, take(checkpoint));
      return target.staged.size;
    };
    const apply = async (staged: Json): Promise<void> => {
      assertFence();
      const found = target.staged.get(Number(staged))!;
      if (target.checkpoint === null || found.checkpoint.position > target.checkpoint.position) target.commit(found);
    };
    return Object.defineProperties({ mode: 'staged', stage, apply } as SinkSession, Object.getOwnPropertyDescriptors(base));
  }

  async check(): Promise<CheckResult[]> {
    return [];
  }

  #written(batch: Batch): Written[] {
    const seen = seeBatch(batch);
    const first = batch.commits[0]?.position ?? '';
    const changes = seen.schemaChanges.map((change) => ({ table: tableName(change.table), text: shapeText(first, change) }));
    return [...changes, ...seen.rows.map((row) => this.#row(seen, row))];
  }

  #row(batch: SeenBatch, row: SeenRow): Written {
    const image = (row.after ?? row.before)!;
    if (this.#refuses && row.after?.[1] === POISON) {
      throw new WeirError('WEIR_SINK_TYPE', 'a value does not fit', { table: row.table });
    }
    const table = batch.tables.find((one) => tableName(one) === row.table)!;
    return { table: row.table, text: rowText(row.position, row.ordinal, table, String(image[0])) };
  }
}
