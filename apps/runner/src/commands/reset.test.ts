import { readdirSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { TestFolder } from '../folder.fake.ts';
import type { CommandContext } from './context.ts';
import { registerReset } from './reset.ts';

const SHOP = `version: 1
http: false
pipelines:
  shop:
    source: { postgres: { url: "postgres://app:pw@127.0.0.1:1/shop" } }
    sinks: { warehouse: { duckdb: { path: ./shop.duckdb } } }
`;

/** Resets at a terminal where somebody answers. @returns the code of what it ends with, and what was asked */
async function answered(folder: TestFolder, answer: string): Promise<{ code: unknown; message: string; asked: string }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  let asked = '';
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      asked += chunk.toString();
      if (asked.endsWith('[y/N] ')) stdin.write(`${answer}\n`);
      done();
    },
  });
  const context = { env: {}, stdin, stdout: stderr, stderr, signal: new AbortController().signal, secrets: [] };
  const program = new Command();
  registerReset(program, context as unknown as CommandContext);
  const file = folder.file('weir.yaml', SHOP);
  const error = await program.parseAsync(['node', 'weir', 'reset', file, '--sinks']).catch((reason: unknown) => reason);
  const { code, message } = error as { code: unknown; message: string };
  return { code, message, asked };
}

describe('reset at a terminal', () => {
  test.each(['n', '', 'yess'])('asks what is lost; %j changes nothing', async (answer) => {
    using folder = new TestFolder();
    const { code, message, asked } = await answered(folder, answer);
    expect({ code, message }).toEqual({ code: 'WEIR_RESET_REFUSED', message: 'nothing was changed' });
    expect(asked).toContain('Drop what shop keeps at the source, and have their sinks forget how far they are? [y/N] ');
    expect(readdirSync(folder.path)).toEqual(['weir.yaml']);
  });

  test.each(['y', 'YES'])('%j goes on to the server', async (answer) => {
    using folder = new TestFolder();
    expect((await answered(folder, answer)).code).toBe('WEIR_PG_CONNECT');
  });
});
