import { dockerProblem } from '@weir/services';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { urlFor, type Service } from './started-service.ts';

/** Starting a container may take so long, in ms: the first one may have to be pulled. */
const START_LIMIT = 5 * 60_000;

/**
 * Tests that need servers, which are started before them and stopped after them. Where they cannot be, one test stands for
 * all: it is skipped and says why and which command helps, and with `CI=true` it fails.
 * @param body declares the tests
 */
export async function describeWithServices(title: string, services: readonly Service[], body: () => void): Promise<void> {
  const problem = services.every((each) => urlFor(each) !== null) ? null : await dockerProblem();
  describe(title, () => {
    if (problem !== null) return lacking(services, problem);
    beforeAll(async () => {
      for (const each of services) await each.start();
    }, START_LIMIT);
    afterAll(async () => {
      for (const each of services.toReversed()) await each.stop();
    });
    body();
  });
}

function lacking(services: readonly Service[], problem: string): void {
  const names = services.map(({ title }) => title).join(' and ');
  const variables = [...new Set(services.map(({ variable }) => variable))].filter((name) => name !== '').join(' and ');
  const reason = `Docker does not run here: ${problem.replace(/[.?]+$/, '')}; \`npm run services\` starts it${variables === '' ? '' : `, or name servers with ${variables}`}`;
  test(`needs ${names}`, (context) => {
    if (process.env['CI'] !== 'true') context.skip(reason);
    expect.fail(reason);
  });
}
