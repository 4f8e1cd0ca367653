import { describe, expect, it } from 'vitest';
import { describeFault, schedule, type SinkKind, type Step } from './schedule.ts';

function first(count: number, seed: number, sink: SinkKind): Step[] {
  const steps = schedule(seed, sink);
  return Array.from({ length: count }, () => steps.next().value as Step);
}

describe('a schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(first(60, 7, 'postgres')).toEqual(first(60, 7, 'postgres'));
    expect(first(60, 7, 'postgres')).not.toEqual(first(60, 8, 'postgres'));
  });

  it('comes to every kind of fault in its first round, each with a line about it', () => {
    const kinds = new Set(first(15, 7, 'postgres').map(({ fault }) => fault.kind));
    for (const kind of ['kill', 'stop the server', 'drop the answer to COMMIT', 'full disk', 'slow', 'second runner', 'takeover']) {
      expect(kinds).toContain(kind);
    }
    for (const { fault } of first(100, 7, 'postgres')) expect(describeFault(fault)).toMatch(/^\S.*\S$/);
  });

  it('does nothing to a server or a connection that a file does not have', () => {
    const steps = first(300, 7, 'duckdb');
    expect(steps.filter(({ fault }) => 'side' in fault && fault.side === 'sink')).toEqual([]);
    expect(steps.map(({ fault }) => fault.kind)).not.toContain('drop the answer to COMMIT');
    expect(steps.map(({ fault }) => fault.kind)).toContain('kill at the commit');
  });
});
