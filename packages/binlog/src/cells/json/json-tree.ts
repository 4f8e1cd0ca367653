import { Spill } from '@weir/sdk';
import { writeJsonString } from './json-string.ts';
import { writeScalar } from './json-text.ts';
import { isContainer, type Jsonb } from './jsonb.ts';

/** A document taken apart, to be changed. Scalars are the text that is printed. */
export type JsonNode = Uint8Array | JsonArray | JsonObject;

export class JsonArray {
  readonly items: JsonNode[] = [];
}

/** Members by their keys, which are the bytes of their UTF-8, one character each. */
export class JsonObject {
  readonly members: Map<string, JsonNode> = new Map();
}

const NULL_TEXT = new Uint8Array(Buffer.from('null'));

export function readJsonTree(document: Jsonb): JsonNode {
  const { data, start, end } = document;
  return start === end ? NULL_TEXT : readNode(document, data[start]!, start + 1, end, 0);
}

function readNode(document: Jsonb, type: number, at: number, limit: number, depth: number): JsonNode {
  if (!isContainer(type)) {
    const spill = new Spill();
    writeScalar(document, spill, type, at, limit);
    return spill.data.slice(0, spill.length);
  }
  const container = document.container(type, at, limit, depth + 1);
  const node = container.isObject ? new JsonObject() : new JsonArray();
  for (let i = 0; i < container.count; i++) {
    const value = (): JsonNode => readNode(document, container.type(i), container.valueAt(i), container.end, depth + 1);
    if (node instanceof JsonArray) {
      node.items.push(value());
    } else {
      const { start, end } = container.key(i);
      node.members.set(Buffer.from(document.data.subarray(start, end)).toString('latin1'), value());
    }
  }
  return node;
}

/** Appends a tree as the server prints it: members by the length of their keys, then by their bytes. */
export function writeJsonTree(node: JsonNode, spill: Spill): void {
  if (node instanceof Uint8Array) {
    spill.bytes(node, 0, node.length);
  } else if (node instanceof JsonArray) {
    spill.ascii('[');
    for (const [i, item] of node.items.entries()) {
      if (i > 0) spill.ascii(', ');
      writeJsonTree(item, spill);
    }
    spill.ascii(']');
  } else {
    spill.ascii('{');
    for (const [i, [key, value]] of [...node.members].sort(([a], [b]) => keyOrder(a, b)).entries()) {
      if (i > 0) spill.ascii(', ');
      const bytes = Buffer.from(key, 'latin1');
      writeJsonString(spill, bytes, 0, bytes.length);
      spill.ascii(': ');
      writeJsonTree(value, spill);
    }
    spill.ascii('}');
  }
}

function keyOrder(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
