import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { profileLines, readProfile, selfTimes } from './cpu-profile.ts';

const MOST = 10;

/** Where profiles go. */
export interface ProfileOptions {
  /** Made when it is not there. Profiles can be opened with the developer tools of a browser. */
  readonly folder: string;
  readonly log: (line: string) => void;
}

/**
 * What a process spends its time with: the functions with the most time of their own, as lines of a table.
 * @param name of the file, without its ending
 * @param run starts the process with a profile that is written to the given file
 */
export async function profiled(
  what: string,
  name: string,
  run: (file: string) => Promise<unknown>,
  { folder, log }: ProfileOptions,
): Promise<Record<string, string>[]> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name}.cpuprofile`);
  await run(file);
  const { frames, idleMicros } = selfTimes(await readProfile(file));
  const seconds = frames.reduce((sum, { micros }) => sum + micros, 0) / 1e6;
  log(`${what}: busy for ${seconds.toFixed(2)} s, waited for ${(idleMicros / 1e6).toFixed(2)} s; ${file}`);
  return profileLines(frames, MOST).map((line) => ({ what, ...line }));
}
