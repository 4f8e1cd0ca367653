import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { command } from '@weir/services';
import { describe, expect, onTestFinished, test } from 'vitest';

const testkit = resolve(import.meta.dirname, '../..');

/** What vitest reports of a suite that needs a server, run by itself in an environment. */
async function outcomeOf(env: NodeJS.ProcessEnv) {
  const folder = mkdtempSync(join(testkit, 'src/services/given-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const text = `
    import { expect, test } from 'vitest';
    import { describeWithServices, service } from '../index.ts';
    const postgres = service('postgres', { version: 17 });
    await describeWithServices('a suite', [postgres], () => {
      test('has the server', () => expect(postgres.url).toBe('postgres://127.0.0.1:1/named'));
      test('knows how others reach it', () => expect(postgres.upstream).toBe('127.0.0.1:1'));
    });`;
  writeFileSync(join(folder, 'given.test.ts'), text);
  const report = join(folder, 'report.json');
  const args = [resolve(testkit, '../../node_modules/vitest/vitest.mjs'), 'run', folder, '--reporter=json', `--outputFile=${report}`];
  const nowhere = { DOCKER_HOST: 'tcp://127.0.0.1:1', WEIR_TEST_POSTGRES_URL: '', CI: '' };
  const { code } = await command(process.execPath, args, { limit: 100_000, env: { ...nowhere, ...env }, cwd: testkit });
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: { title: string; status: string; failureMessages: string[] }[] }[];
  };
  return { code, tests: testResults.flatMap(({ assertionResults }) => assertionResults) };
}

describe('a suite that needs a server', () => {
  test('runs on the one that a variable names', async () => {
    expect(await outcomeOf({ WEIR_TEST_POSTGRES_URL: 'postgres://127.0.0.1:1/named' })).toMatchObject({
      code: 0,
      tests: [
        { title: 'has the server', status: 'passed' },
        { title: 'knows how others reach it', status: 'passed' },
      ],
    });
  });

  test('is skipped as one test without Docker', async () => {
    expect(await outcomeOf({})).toMatchObject({ code: 0, tests: [{ title: 'needs postgres 17', status: 'skipped' }] });
  });

  test('fails without Docker where CI=true, and names the command that helps', async () => {
    const { code, tests } = await outcomeOf({ CI: 'true' });
    expect(code).toBe(1);
    expect(tests).toMatchObject([{ title: 'needs postgres 17', status: 'failed' }]);
    expect(tests[0]!.failureMessages.join()).toMatch(/Docker does not run here: .*`npm run services`.*WEIR_TEST_POSTGRES_URL/);
  });
});
