import { inspect } from 'node:util';
import { failure } from '@weir/testkit';
import { describe, expect, test } from 'vitest';
import { runPasswordCommand } from './password-command.ts';

const { signal } = new AbortController();
const to = { host: 'db.example', port: 5433, user: 'app', database: 'shop' };

/** A command whose program is this Node. */
function node(script: string, ...args: string[]): string[] {
  return [process.execPath, '-e', script, ...args];
}

async function run(command: string[], timeoutMs?: number): Promise<string> {
  return (await runPasswordCommand(command, to, signal, timeoutMs)).reveal();
}

describe('a password command', () => {
  test('prints the password; one line break at its end does not count', async () => {
    expect(await run(node('process.stdout.write("to ken")'))).toBe('to ken');
    expect(await run(node('console.log("token")'))).toBe('token');
    expect(await run(node('process.stdout.write("token\\r\\n")'))).toBe('token');
  });

  test('knows for which host and user', async () => {
    const script = 'console.log(["HOST", "PORT", "USER", "DATABASE"].map((name) => process.env["PG" + name]).join())';
    expect(await run(node(script))).toBe('db.example,5433,app,shop');
  });

  test('is run without a shell, and without anything to read', async () => {
    expect(await run(node('console.log(process.argv[1])', '$HOME; `x`'))).toBe('$HOME; `x`');
    expect(await run(node('process.stdin.resume().on("end", () => console.log("ended"))'))).toBe('ended');
  });

  test('prints a secret: no print of it shows it (invariant 10)', async () => {
    const password = await runPasswordCommand(node('console.log("s3cret")'), to, signal);
    expect(`${String(password)} ${JSON.stringify(password)} ${inspect(password)}`).not.toContain('s3cret');
  });

  test.each([
    ['ends with a code', node('console.log("s3cret"); console.error("s3cret"); process.exit(3)', 's3cret'), 'code 3'],
    ['prints nothing', node('', 's3cret'), 'printed nothing'],
    ['prints lines', node('console.log("s3\\ncret")', 's3cret'), 'more than one line'],
    ['prints without end', node('for (;;) process.stdout.write("s3cret".repeat(1000))'), 'more than 64 KiB'],
    ['is not there', ['/nowhere/weir-token', 's3cret'], 'was not found'],
    ['hangs', node('console.log("s3cret"); setInterval(() => {}, 1000)', 's3cret'), 'did not end within 0.5 s'],
  ])('that %s is refused, and nothing of it is told (invariant 10)', async (_how, command, message) => {
    const error = await failure(run(command, message.includes('0.5') ? 500 : undefined));
    expect(error).toMatchObject({ code: 'WEIR_PG_PASSWORD_COMMAND', path: 'password_command' });
    expect(error.message).toContain(message);
    expect(inspect(error, { depth: 9 })).not.toMatch(/s3/);
  });

  test('ends with the signal', async () => {
    const abort = new AbortController();
    const running = runPasswordCommand(node('setInterval(() => {}, 1000)'), to, abort.signal);
    abort.abort();
    expect(await failure(running)).toMatchObject({ code: 'WEIR_PG_PASSWORD_COMMAND' });
  });
});
