import type { CheckResult, Checkpoint, Position, Source } from '@weir/sdk';
import { Reading, failure } from '@weir/testkit';

const { signal } = new AbortController();

/** The results that are errors. */
export async function errorsOf(source: Source): Promise<CheckResult[]> {
  return (await source.check(signal)).filter(({ level }) => level === 'error');
}

/** The code with which opening is refused. */
export async function refusal(
  source: Source,
  from: Checkpoint | null = null,
  reach: Position | null = null,
): Promise<string> {
  return (await failure(Reading.open(source, from, reach))).code;
}

/** A checkpoint behind the copy of everything. */
export async function copiedCheckpoint(source: Source): Promise<Checkpoint> {
  await using reading = await Reading.open(source, null);
  await reading.untilCopied();
  await reading.session.confirm(reading.checkpoint);
  return reading.checkpoint;
}
