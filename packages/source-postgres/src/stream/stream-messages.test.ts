import { BatchWriter } from '@weir/sdk';
import { expect, test } from 'vitest';
import { StreamMessages } from './stream-messages.ts';

const message = (text: string): Buffer => {
  const bytes = Buffer.alloc(5 + text.length);
  bytes[0] = 0x64;
  bytes.writeInt32BE(4 + text.length, 1);
  bytes.write(text, 5);
  return bytes;
};

test('what arrives while messages are suspended is kept as it was, whoever uses its buffer again', async () => {
  const writer = new BatchWriter();
  const handled: string[] = [];
  const work = Promise.withResolvers<void>();
  const messages = new StreamMessages(writer, {
    message: (_type, start, end) => {
      handled.push(Buffer.from(writer.data.subarray(start, end)).toString());
      if (handled.length === 1) messages.suspend(async () => await work.promise);
    },
    rested: () => {},
    failed: (error) => expect.unreachable(error.message),
  });
  const chunk = message('one');
  messages.take(chunk);
  chunk.set(message('two'));
  messages.take(chunk);
  chunk.set(message('six'));
  messages.take(chunk);
  chunk.fill(0);
  expect(handled).toEqual(['one']);
  work.resolve();
  await expect.poll(() => handled).toEqual(['one', 'two', 'six']);
});
