import { damagedValue } from '../damaged-value.ts';
import { parseJsonPath, type JsonLeg } from './json-path.ts';
import { JsonArray, JsonObject, readJsonTree, type JsonNode } from './json-tree.ts';
import { Jsonb } from './jsonb.ts';

const REPLACE = 0;
const INSERT = 1;
const REMOVE = 2;

/**
 * Applies the changes of a partial update to a document: of each an operation, a path and, but for a removal, a value in binary form
 * (sql-common/json_diff.cc).
 * @param tree changed in place
 * @throws WeirError WEIR_BINLOG_DAMAGED, also for changes that do not fit the document
 */
export function applyJsonDiffs(column: string, tree: JsonNode, data: Uint8Array, start: number, end: number): JsonNode {
  const reader = new DiffReader(column, data, start, end);
  let node = tree;
  while (!reader.atEnd) node = reader.apply(node);
  return node;
}

class DiffReader {
  readonly #column: string;
  readonly #data: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(column: string, data: Uint8Array, start: number, end: number) {
    this.#column = column;
    this.#data = data;
    this.#at = start;
    this.#end = end;
  }

  get atEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** Reads the next change and applies it. */
  apply(root: JsonNode): JsonNode {
    const operation = this.#data[this.#at++]!;
    const path = parseJsonPath(this.#field());
    if (operation > REMOVE || path === null || path.length === 0) throw this.#damaged();
    const value = operation === REMOVE ? null : this.#value();
    const parent = this.#seek(root, path.slice(0, -1));
    const leg = path.at(-1)!;
    const applied =
      parent instanceof JsonArray ? changeArray(parent, operation, leg, value) : parent instanceof JsonObject && changeObject(parent, operation, leg, value);
    if (!applied) throw damagedValue(this.#column, 'a change of a JSON document does not fit the document before it');
    return root;
  }

  #value(): JsonNode {
    const { start, end } = this.#fieldRange();
    return readJsonTree(new Jsonb(this.#column, this.#data, start, end));
  }

  #field(): Uint8Array {
    const { start, end } = this.#fieldRange();
    return this.#data.subarray(start, end);
  }

  /** A length as in the client protocol, below 251 in one byte, else behind 252, 253, 254 in 2, 3, 8; and the bytes behind it. */
  #fieldRange(): { start: number; end: number } {
    if (this.atEnd) throw this.#damaged();
    const first = this.#data[this.#at++]!;
    const bytes = first < 251 ? 0 : first === 252 ? 2 : first === 253 ? 3 : first === 254 ? 8 : -1;
    if (bytes < 0 || bytes > this.#end - this.#at) throw this.#damaged();
    let length = bytes === 0 ? first : 0;
    for (let i = bytes - 1; i >= 0; i--) length = length * 256 + this.#data[this.#at + i]!;
    const start = this.#at + bytes;
    if (length > this.#end - start) throw this.#damaged();
    this.#at = start + length;
    return { start, end: start + length };
  }

  #seek(root: JsonNode, path: readonly JsonLeg[]): JsonNode | undefined {
    let node: JsonNode | undefined = root;
    for (const leg of path) {
      if (node instanceof JsonArray) node = node.items[placeOf(node, leg)];
      else if (node instanceof JsonObject && 'member' in leg) node = node.members.get(leg.member);
      else return undefined;
    }
    return node;
  }

  #damaged(): Error {
    return damagedValue(this.#column, 'a change of a JSON document is damaged');
  }
}

/** The place of an element in an array, beyond its end or negative where there is none. */
function placeOf(array: JsonArray, leg: JsonLeg): number {
  if ('member' in leg) return -1;
  return leg.fromEnd ? array.items.length - 1 - leg.index : leg.index;
}

function changeArray(array: JsonArray, operation: number, leg: JsonLeg, value: JsonNode | null): boolean {
  if ('member' in leg) return false;
  const place = placeOf(array, leg);
  const exists = place >= 0 && place < array.items.length;
  if (operation === INSERT) {
    array.items.splice(Math.min(Math.max(place, 0), array.items.length), 0, value!);
    return true;
  }
  if (!exists) return false;
  if (operation === REPLACE) array.items[place] = value!;
  else array.items.splice(place, 1);
  return true;
}

function changeObject(object: JsonObject, operation: number, leg: JsonLeg, value: JsonNode | null): boolean {
  if (!('member' in leg) || object.members.has(leg.member) === (operation === INSERT)) return false;
  if (operation === REMOVE) object.members.delete(leg.member);
  else object.members.set(leg.member, value!);
  return true;
}
