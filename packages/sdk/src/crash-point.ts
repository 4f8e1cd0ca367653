/**
 * The named places where a crash test kills the process. Crash points are data: the tests walk this list, so a new name
 * here is a new test. Each is one comparison when it is not armed, and stands only where a batch or a checkpoint passes.
 */
export const crashPoints = [
  'source.slot-created',
  'source.snapshot-exported',
  'source.round-begun',
  'source.chunk-read',
  'source.mid-transaction',
  'source.confirm-sent',
  'engine.before-write',
  'engine.before-commit',
  'engine.before-confirm',
  'engine.draining',
  'sink.fence-taken',
  'sink.before-commit',
  'sink.commit-unanswered',
] as const;
export type CrashPoint = (typeof crashPoints)[number];

/** `NAME` or `NAME:COUNT`: die when NAME is passed for the COUNT-th time. Only crash tests set it. */
const armed = parse(process.env['WEIR_CRASH_AT']);
let passes = 0;

function parse(text: string | undefined): { point: string; count: number } | null {
  if (text === undefined || text === '') return null;
  const [point = '', count = '1'] = text.split(':');
  return { point, count: Number(count) };
}

/** Kills the process with SIGKILL when a crash test has armed this point. */
export function crashPoint(point: CrashPoint): void {
  if (armed === null || armed.point !== point || ++passes < armed.count) return;
  process.kill(process.pid, 'SIGKILL');
}
