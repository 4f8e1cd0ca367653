import { temporaryPostgres } from '@weir/services';
import { Reading } from '@weir/testkit';
import { expect, test } from 'vitest';
import { TestDatabase } from '../testing/test-database.ts';

const ids = (reading: Reading): string[] => reading.streamed.map(({ after }) => String(after![0]));

test(
  'a prepared transaction arrives when it is committed, though the log was confirmed past its PREPARE (invariant 1)',
  { timeout: 60_000 },
  async () => {
    await using server = await temporaryPostgres({ max_prepared_transactions: '5' });
    await using database = await TestDatabase.create(server.url);
    await database.sql('CREATE TABLE orders (id int PRIMARY KEY)');
    const first = await Reading.open(database.source(), null);
    await first.untilCopied();
    for (const id of [1, 2, 3])
      await database.sql(`BEGIN; INSERT INTO orders VALUES (${id}); PREPARE TRANSACTION 'order ${id}'`);
    await database.sql('INSERT INTO orders VALUES (4)');
    await first.untilHead();
    expect(ids(first)).toEqual(['4']);
    await first.session.confirm(first.checkpoint);
    await first[Symbol.asyncDispose]();
    await database.sql("COMMIT PREPARED 'order 2'");
    await using second = await Reading.open(database.source(), first.checkpoint);
    await second.untilStreamed(1);
    await second.session.confirm(second.checkpoint);
    await database.sql("ROLLBACK PREPARED 'order 3'");
    await database.sql("COMMIT PREPARED 'order 1'");
    await second.untilHead();
    expect(ids(second)).toEqual(['2', '1']);
  },
);
