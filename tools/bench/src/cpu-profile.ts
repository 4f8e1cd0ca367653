import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const WORKSPACE = fileURLToPath(new URL('../../../', import.meta.url));
/** What V8 calls the time in which the thread waited. Node's reads of sockets, before it calls JavaScript, are in it. */
const IDLE = '(idle)';

/** What of a profile of V8 is needed. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Nodes that were on top, by their ids, in order. */
  readonly samples: readonly number[];
  /** Time before each sample, in µs. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    /** Of what is not JavaScript in brackets, such as `(garbage collector)`; empty of what has no name. */
    readonly functionName: string;
    /** Empty of what the runtime has built in. */
    readonly url: string;
    /** From 0 on. */
    readonly lineNumber: number;
  };
}

/** A function and the time that was spent in itself, not in what it calls. */
export interface Frame {
  readonly name: string;
  /** With the line, relative to the workspace; empty of what has none. */
  readonly file: string;
  readonly micros: number;
}

/** Functions by the time spent in themselves, the most first, and how long the thread waited. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): { frames: Frame[]; idleMicros: number } {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const frames = new Map<string, Frame>();
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = byId.get(id)!.callFrame;
    const name = functionName === '' ? '(anonymous)' : functionName;
    const file = url === '' ? '' : `${placeOf(url)}:${lineNumber + 1}`;
    // A sample stands for the time until the next one.
    const micros = (frames.get(`${name} ${file}`)?.micros ?? 0) + (timeDeltas[index + 1] ?? 0);
    frames.set(`${name} ${file}`, { name, file, micros });
  });
  const sorted = [...frames.values()].toSorted((a, b) => b.micros - a.micros);
  const idleMicros = sorted.find(({ name }) => name === IDLE)?.micros ?? 0;
  return { frames: sorted.filter(({ name }) => name !== IDLE), idleMicros };
}

function placeOf(url: string): string {
  return url.startsWith('file:') ? relative(WORKSPACE, fileURLToPath(url)) : url;
}

/** The first of them as lines of a table; shares are of the time in which the thread did not wait. */
export function profileLines(frames: readonly Frame[], most: number): Record<string, string>[] {
  const busy = frames.reduce((sum, { micros }) => sum + micros, 0);
  return frames.slice(0, most).map(({ name, file, micros }) => ({
    'self, %': ((micros / busy) * 100).toFixed(1),
    function: name,
    file: file === '' ? '(native)' : file,
  }));
}

export async function readProfile(path: string): Promise<CpuProfile> {
  return JSON.parse(await readFile(path, 'utf8')) as CpuProfile;
}
