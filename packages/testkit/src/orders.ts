import {
  BatchBuilder,
  RowCursor,
  WeirError,
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

/** When the transactions of {@link batch} were committed, in µs since 1970. */
const COMMIT_TIME = 1_700_000_000_123_456;

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

export function column(name: string, type: Column['type'], sourceType: string = name): Column {
  return { name, type, nullable: true, sourceType };
}

/** A batch of one transaction, made by `fill`. @param time of its commit, in µs since 1970; 0 when the source does not know it */
export function batch(
  number: number,
  fill: (rows: BatchBuilder) => void,
  checkpoint: Checkpoint | null = null,
  time: number = COMMIT_TIME,
): Batch {
  const builder = new BatchBuilder();
  const version = packVersion(0, BigInt(number));
  builder.begin({ position: String(number), version, time, transactionId: String(number) });
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

/** The answer of a query, values only. */
export async function ask(sink: Sink, sql: string): Promise<readonly (readonly (string | null)[])[]> {
  return (await sink.query!(sql, 1000, new AbortController().signal)).rows;
}

/** The rows that a sink's scan gives, as text, in the order of their first cell's text. */
export async function scanned(sink: Pick<Sink, 'scan'>, table: Table): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = [];
  for await (const part of sink.scan!(table, new AbortController().signal)) {
    for (const row of new RowCursor(part)) rows.push(table.columns.map((_, index) => row.after.text(index)));
    part.release();
  }
  return rows.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}

/**
 * Writes the next transaction of orders and commits it: 500 rows more, and of those of the one before a row changed and a row
 * deleted. `WEIR_CRASH_AT` kills the process on the way. Prints `committed`, or the code of the error.
 * @param waits it stops before its commit, prints `written`, and goes on when the process's input ends
 */
export async function commitOrders(sink: Sink, waits = false): Promise<void> {
  const orders = ordersTable();
  try {
    await using session = await openSession(sink);
    const next = Number((await session.recover())?.position ?? 0) + 1;
    await session.write(
      batch(next, (rows) => {
        if (next === 1) rows.schemaChange({ table: orders, change: 'create' });
        for (let id = next * 1000; id < next * 1000 + 500; id++) {
          rows.insert(orders, { id, note: `from ${next}`, amount: '1.00' });
        }
        if (next > 1) rows.update(orders, { id: (next - 1) * 1000, note: 'changed', amount: '2.00' });
        if (next > 1) rows.delete(orders, { id: (next - 1) * 1000 + 1 });
      }),
    );
    if (waits) {
      console.info('written');
      await new Promise((resolve) => process.stdin.once('end', resolve).resume());
    }
    await session.commit(checkpointAt(next, { next }));
    console.info('committed');
  } catch (error) {
    console.info(error instanceof WeirError ? error.code : String(error));
  }
}

/** A process that nobody kills ends behind so many transactions. */
const MOST_SHAPES = 1_000;

/** The shape that `orders` has behind a transaction of {@link commitShapes}. */
function shapeAt(number: number): Table {
  return ordersTable({
    version: number,
    columns: [
      column('id', { kind: 'int', bits: 64 }),
      column(`note_${number}`, { kind: 'string' }),
      column('amount', { kind: 'decimal', precision: 12 + (number % 20), scale: 2 }),
    ],
  });
}

/**
 * Commits transactions of orders until the process is killed, or so many. Each gives the table another shape (a column's name and
 * another's type), inserts ten rows and deletes the first one of the transaction before. Prints the number of each.
 */
export async function commitShapes(sink: Sink, most: number = MOST_SHAPES): Promise<void> {
  const session = await openSession(sink);
  const first = Number((await session.recover())?.position ?? 0) + 1;
  for (let next = first; next < first + most; next++) {
    const table = shapeAt(next);
    await session.write(
      batch(next, (rows) => {
        if (next === 1) rows.schemaChange({ table, change: 'create' });
        else {
          const amount = shapeAt(next - 1).columns[2]!;
          const renamed = { ...table, columns: [table.columns[0]!, table.columns[1]!, amount] };
          rows.schemaChange({ table: renamed, change: 'rename', column: `note_${next}`, from: `note_${next - 1}` });
          rows.schemaChange({ table, change: 'widen', column: 'amount' });
        }
        for (let id = next * 10; id < next * 10 + 10; id++) rows.insert(table, { id, [`note_${next}`]: `from ${next}`, amount: '1.00' });
        if (next > 1) rows.delete(table, { id: (next - 1) * 10 });
      }),
    );
    await session.commit(checkpointAt(next));
    console.info(next);
  }
  await session[Symbol.asyncDispose]();
}
