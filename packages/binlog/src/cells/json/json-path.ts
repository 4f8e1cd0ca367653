/** A step of a path: the name of a member, or the place of an array's element, counted from its end if so said. */
export type JsonLeg =
  | { readonly member: string }
  | { readonly index: number; readonly fromEnd: boolean };

const INDEX = /^\[\s*(?:(\d+)|(last)(?:\s*-\s*(\d+))?)\s*\]/;
const NAME = /^\.\s*("(?:[^"\\]|\\.)*"|[^\s.[*"]+)/;

/**
 * Takes a path apart, without wildcards: `$.a[0]."b c"[last-1]`. Names are the bytes of their UTF-8, one character each.
 * Format: https://dev.mysql.com/doc/refman/8.4/en/json.html#json-path-syntax
 * @returns null for what is none
 */
export function parseJsonPath(bytes: Uint8Array): JsonLeg[] | null {
  let rest = Buffer.from(bytes).toString('utf8').trimStart();
  if (!rest.startsWith('$')) return null;
  rest = rest.slice(1).trimStart();
  const legs: JsonLeg[] = [];
  while (rest !== '') {
    const match = INDEX.exec(rest) ?? NAME.exec(rest);
    const leg = match === null ? null : rest.startsWith('[') ? indexLeg(match) : memberLeg(match[1]!);
    if (leg === null) return null;
    legs.push(leg);
    rest = rest.slice(match![0].length).trimStart();
  }
  return legs;
}

function indexLeg([, fromStart, last, back]: RegExpExecArray): JsonLeg {
  return { index: Number(fromStart ?? back ?? '0'), fromEnd: last !== undefined };
}

function memberLeg(name: string): JsonLeg | null {
  try {
    const text = JSON.parse(name.startsWith('"') ? name : `"${name}"`) as string;
    return { member: Buffer.from(text).toString('latin1') };
  } catch {
    return null;
  }
}
