import {
  BatchBuilder,
  packVersion,
  type Batch,
  type Checkpoint,
  type Column,
  type Json,
  type RowValues,
  type Sink,
  type Table,
  type TransactionalSession,
} from '@weir/sdk';

/** `public.orders(id, note, amount)`, key `id`; other columns and another key if asked for. */
export function ordersTable(changes: Partial<Table> = {}): Table {
  return {
    namespace: 'public',
    name: 'orders',
    version: 1,
    key: [0],
    columns: [
      column('id', { kind: 'int', bits: 64 }),
      column('note', { kind: 'string' }),
      column('amount', { kind: 'decimal', precision: 12, scale: 2 }),
    ],
    ...changes,
  };
}

export function column(name: string, type: Column['type'], sourceType = 'test'): Column {
  return { name, type, nullable: true, sourceType };
}

/** A batch of one transaction, made by `fill`. */
export function batch(number: number, fill: (rows: BatchBuilder) => void, checkpoint: Checkpoint | null = null): Batch {
  const builder = new BatchBuilder();
  const version = packVersion(0, BigInt(number));
  builder.begin({ position: String(number), version, time: 1_700_000_000_123_456, transactionId: String(number) });
  fill(builder);
  return builder.build(checkpoint);
}

export function checkpointAt(number: number, state: Json = null): Checkpoint {
  return { position: String(number), state };
}

export async function openSession(sink: Sink): Promise<TransactionalSession> {
  const session = await sink.open({ pipeline: 'shop', sink: 'warehouse', shard: 0 }, new AbortController().signal);
  if (session.mode !== 'transactional') throw new Error(`the session is ${session.mode}`);
  return session;
}

/** A session whose sink holds these orders, committed at 1. */
export async function withOrders(sink: Sink, table: Table, orders: readonly RowValues[]): Promise<TransactionalSession> {
  const session = await openSession(sink);
  await session.write(
    batch(1, (rows) => {
      rows.schemaChange({ table, change: 'create' });
      for (const order of orders) rows.insert(table, order);
    }),
  );
  await session.commit(checkpointAt(1));
  return session;
}
