import { appendFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { RunEvent } from './run-record.ts';

/** Where a run is recorded: a file that is there already. */
export const RECORD_VARIABLE = 'WEIR_TEST_RECORD';

/** A reporter of vitest that writes down what happens, for `readRecord`. */
export default class RunRecorder implements Reporter {
  readonly #file = process.env[RECORD_VARIABLE]!;

  onTestModuleStart(module: TestModule): void {
    this.#write({ event: 'start', file: module.relativeModuleId });
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (!isRun(state)) return;
    const problem = state === 'passed' ? null : (errors?.[0]?.message.split('\n', 1)[0] ?? '');
    this.#write({ event: 'test', file: test.module.relativeModuleId, name: test.fullName, problem });
  }

  onTestModuleEnd(module: TestModule): void {
    const skipped = [...module.children.allTests()]
      .filter((test) => !isRun(test.result().state))
      .map((test) => [test.fullName, noteOf(test)].filter((part) => part !== '').join(': '));
    const ms = Math.round(module.diagnostic().duration);
    this.#write({ event: 'end', file: module.relativeModuleId, skipped, broken: module.state() === 'failed', ms });
  }

  onTestRunEnd(_modules: readonly TestModule[], errors: readonly unknown[], reason: string): void {
    if (reason !== 'interrupted') this.#write({ event: 'over', unhandledErrors: errors.length });
  }

  #write(event: RunEvent): void {
    appendFileSync(this.#file, `${JSON.stringify(event)}\n`);
  }
}

/** Why a test skipped itself. */
function noteOf(test: TestCase): string {
  const result = test.result();
  return result.state === 'skipped' ? (result.note ?? '') : '';
}

function isRun(state: string): boolean {
  return state === 'passed' || state === 'failed';
}
