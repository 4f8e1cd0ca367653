import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SLOT, type Backlog } from './backlog.ts';
import type { Contender } from './contest.ts';
import { runMeasured } from './measured-process.ts';
import { toldBy } from './told.ts';

/** Its project; Maven builds it into `BUILD`, as the project says as well. */
const PROJECT = fileURLToPath(new URL('../debezium/pom.xml', import.meta.url));
const BUILD = fileURLToPath(new URL('../../../node_modules/.cache/weir-bench/debezium', import.meta.url));
/** It confirms what it has read. */
const COPIED_SLOT = 'bench_debezium';

const run = promisify(execFile);

/**
 * The embedded engine of Debezium, which counts records and keeps none, where Java and Maven are installed. Its time begins
 * when the engine starts; its processor time and memory are those of the process, the virtual machine's start included.
 * @param log told what it takes, when something is missing
 */
export async function debezium(backlog: Backlog, log: (line: string) => void): Promise<Contender[]> {
  const problem = (await missing('java')) ?? (await missing('mvn')) ?? (await build(log));
  if (problem !== null) {
    log(`without Debezium: ${problem}`);
    return [];
  }
  let folder = '';
  const classPath = [join(BUILD, 'classes'), join(BUILD, 'lib', '*')].join(':');
  const options = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath, 'Backlog'];
  return [
    {
      name: 'Debezium, embedded',
      async prepare(): Promise<void> {
        await backlog.slotAtStart(COPIED_SLOT);
        folder = await mkdtemp(join(tmpdir(), 'weir-bench-'));
      },
      async run() {
        const order = [backlog.url, COPIED_SLOT, SLOT, String(backlog.rows), join(folder, 'offsets')];
        return toldBy(await runMeasured('java', [...options, ...order]), backlog.rows);
      },
      check: async () => await rm(folder, { recursive: true, force: true }),
    },
  ];
}

async function missing(program: string): Promise<string | null> {
  try {
    await run(program, ['-version']);
    return null;
  } catch {
    return `${program} is not there: apt-get install default-jdk-headless maven`;
  }
}

/** Fetches what it needs, the first time, and compiles. @returns why it cannot */
async function build(log: (line: string) => void): Promise<string | null> {
  log('Debezium is built');
  const goals = ['compile', 'dependency:copy-dependencies', `-DoutputDirectory=${join(BUILD, 'lib')}`];
  try {
    await run('mvn', ['-q', '-B', '-f', PROJECT, ...goals]);
    return null;
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    return firstError(stdout ?? '') ?? String(error);
  }
}

/** The first that Maven complains of. */
export function firstError(output: string): string | null {
  return /^\[ERROR\] (.+)$/m.exec(output)?.[1] ?? null;
}
