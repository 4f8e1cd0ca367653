import { unchanged } from '@weir/sdk';
import fc from 'fast-check';
import type { SentCell } from '../message-encoder.ts';
import type { Relation } from '../relation.ts';
import { doubled, dropFirstByte, type Treatment } from './recording-host.ts';

const MAX_COLUMNS = 6;

/** A table of the generated database. */
export interface GivenTable {
  readonly relation: Relation;
  readonly treatment: Treatment & { readonly rewrites: NonNullable<Treatment['rewrites']> };
}

const eventKinds = [
  'insert',
  'update',
  'update key',
  'update full',
  'delete key',
  'delete full',
  'truncate',
  'message',
  'loose message',
  'announce',
  'toggle skip',
] as const;

export interface GivenEvent {
  readonly kind: (typeof eventKinds)[number];
  /** 0 for the transaction itself; used when it is streamed. */
  readonly subtransaction: number;
  /** Counted on past the last table from the first. */
  readonly table: number;
  /** More cells than the table has columns are not used. */
  readonly old: readonly SentCell[];
  readonly new: readonly SentCell[];
}

/** How a transaction is sent before its end. */
export interface GivenStreaming {
  /** Before how many other transactions' ends its first block may come. */
  readonly early: number;
  /** Messages of each block, in turn. */
  readonly blocks: readonly number[];
  /** Of its subtransactions, from 1. */
  readonly aborted: readonly boolean[];
  /** Rolled back as a whole. */
  readonly abort: boolean;
}

export interface GivenTransaction {
  /** Null: sent at its end. */
  readonly streaming: GivenStreaming | null;
  /** Delivered before, so that the host leaves it out. */
  readonly delivered: boolean;
  readonly origin: boolean;
  readonly events: readonly GivenEvent[];
}

/** How the stream arrives and where batches end. Sizes and limits are used in turn. */
export interface Feeding {
  readonly chunks: readonly number[];
  readonly rowLimits: readonly number[];
  readonly closeAtCommit: boolean;
}

const text: fc.Arbitrary<SentCell> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);
const oldCell: fc.Arbitrary<SentCell> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 1, arbitrary: fc.constant(null) },
);
const newCell: fc.Arbitrary<SentCell> = fc.oneof(
  { weight: 4, arbitrary: oldCell },
  { weight: 1, arbitrary: fc.constant(unchanged) },
);
const forEachColumn = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: MAX_COLUMNS, maxLength: MAX_COLUMNS });
const name = fc.string({ unit: fc.constantFrom('a', 'Z', ' ', 'é', '"', '😀'), minLength: 1, maxLength: 8 });

const table: fc.Arbitrary<GivenTable> = fc
  .record({
    oid: fc.integer({ min: 1, max: 0xffff_ffff }),
    namespace: name,
    name,
    replicaIdentity: fc.constantFrom('d', 'n', 'f', 'i'),
    columns: fc.array(fc.record({ name, typeOid: fc.nat(), typeModifier: fc.integer(), isKey: fc.boolean() }), {
      maxLength: MAX_COLUMNS,
    }),
    rewrites: forEachColumn(fc.constantFrom(null, dropFirstByte, doubled)),
    leftOut: fc.constantFrom(false, false, false, true),
  })
  .map(({ rewrites, leftOut, ...relation }) => ({
    relation,
    treatment: { leftOut, rewrites: rewrites.slice(0, relation.columns.length) },
  }));

export const database: fc.Arbitrary<GivenTable[]> = fc.uniqueArray(table, {
  minLength: 1,
  maxLength: 4,
  selector: ({ relation }) => relation.oid,
});

const event: fc.Arbitrary<GivenEvent> = fc.record({
  subtransaction: fc.nat({ max: 2 }),
  kind: fc.constantFrom(...eventKinds),
  table: fc.nat({ max: 3 }),
  old: forEachColumn(oldCell),
  new: forEachColumn(newCell),
});

const streaming: fc.Arbitrary<GivenStreaming> = fc.record({
  early: fc.nat({ max: 3 }),
  blocks: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
  aborted: fc.tuple(fc.boolean(), fc.boolean()),
  abort: fc.constantFrom(false, false, false, true),
});

export const transaction: fc.Arbitrary<GivenTransaction> = fc.record({
  streaming: fc.option(streaming, { freq: 2 }),
  delivered: fc.constantFrom(false, false, false, true),
  origin: fc.boolean(),
  events: fc.array(event, { maxLength: 12 }),
});

export const feeding: fc.Arbitrary<Feeding> = fc.record({
  chunks: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
  rowLimits: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  closeAtCommit: fc.boolean(),
});
