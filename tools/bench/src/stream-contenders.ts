import { fileURLToPath } from 'node:url';
import { SLOT, type Backlog } from './backlog.ts';
import { clientProgram } from './client-program.ts';
import type { Contender } from './contest.ts';
import { debezium } from './debezium.ts';
import { runMeasured, runNode } from './measured-process.ts';
import { toldBy, type Order } from './told.ts';

/** Slot of pg_recvlogical, which confirms what it has read. */
const COPIED_SLOT = 'bench_copy';

/** With fewer rows little but the start of its engine would be measured. */
const DEBEZIUM_ROWS = 200_000;

/** Who reads a backlog and keeps nothing; the counter of frames is the first. */
export async function streamContenders(backlog: Backlog, log: (line: string) => void): Promise<Contender[]> {
  const engine = backlog.rows >= DEBEZIUM_ROWS ? await debezium(backlog, log) : [];
  return [...nodeContenders(backlog), ...recvlogical(backlog, log), ...engine];
}

/** Those that run in Node, which are always there. */
export function nodeContenders(backlog: Backlog): Contender[] {
  return [
    inNode('frames counted', new URL('contenders/frames.ts', import.meta.url), backlog),
    weirSource('streams', backlog),
    weirSource('catches up', backlog),
    slotFunction(backlog),
    inNode('pg-logical-replication', new URL('contenders/logical-replication.ts', import.meta.url), backlog),
  ];
}

/** Those that read past the WAL sender, beside pg_recvlogical, which comes first. */
export async function catchUpContenders(backlog: Backlog, log: (line: string) => void): Promise<Contender[]> {
  return await Promise.resolve([...recvlogical(backlog, log), weirSource('catches up', backlog), slotFunction(backlog)]);
}

function slotFunction(backlog: Backlog): Contender {
  return inNode('slot function, rows counted', new URL('contenders/slot-function.ts', import.meta.url), backlog);
}

/** How the source of Weir reads; it catches up also where it is not so far behind that it would by itself. */
export type Way = 'streams' | 'catches up';
export const catchUpAt: Readonly<Record<Way, number | null>> = { streams: null, 'catches up': 1 << 20 };

/** @param profile where it writes a profile; none by default */
export function weirSource(way: Way, backlog: Backlog, profile?: string): Contender {
  const module = new URL('contenders/source.ts', import.meta.url);
  return inNode(`Weir, which ${way}`, module, backlog, { profile, catchUpAt: catchUpAt[way] });
}

interface NodeOptions {
  readonly profile?: string | undefined;
  readonly catchUpAt?: number | null;
}

function inNode(name: string, module: URL, backlog: Backlog, { profile, catchUpAt: at = null }: NodeOptions = {}): Contender {
  const { url, rows, checkpoint, end } = backlog;
  const order: Order = { url, slot: SLOT, publication: SLOT, rows, checkpoint, end, catchUpAt: at };
  const input = JSON.stringify(order);
  return { name, run: async () => toldBy(await runNode(fileURLToPath(module), [], { input, profile }), rows) };
}

/** PostgreSQL's own client, where it is installed: started anew each time, which takes a few ms, until the backlog's end. */
export function recvlogical(backlog: Backlog, log: (line: string) => void): Contender[] {
  const program = clientProgram('pg_recvlogical', log);
  if (program === null) return [];
  const options = ['-o', 'proto_version=1', '-o', `publication_names=${SLOT}`];
  const output = ['-f', '/dev/null', '-F', '0'];
  const args = ['-d', backlog.url, '-S', COPIED_SLOT, '--start', '--no-loop', `--endpos=${backlog.end}`, ...output];
  return [
    {
      name: 'pg_recvlogical',
      prepare: async () => await backlog.slotAtStart(COPIED_SLOT),
      run: async () => await runMeasured(program, [...args, ...options]),
    },
  ];
}
