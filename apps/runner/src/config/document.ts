import { WeirError, type ConfigPlace } from '@weir/sdk';
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Scalar,
} from 'yaml';
import { pathText, type ConfigPath } from './config.ts';
import { substitute, type VariableSources } from './variables.ts';

/** Shorter values are no secrets, and hiding them would spoil messages. */
const MIN_HIDDEN_LENGTH = 4;

/** What a YAML parser's message leaves unsaid, by its code. */
const SYNTAX_FIXES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'Keep one of the two keys.',
  TAB_AS_INDENT: 'Indent with spaces.',
  TAG_RESOLVE_FAILED: 'Text that begins with `!` needs quotes: "!public.audit_*".',
  BAD_ALIAS: 'Text that begins with `*` needs quotes: "*".',
  MULTIPLE_DOCS: 'Keep one document; take out the `---`.',
};

/** A configuration file as a tree whose every part knows its place. */
export class ConfigDocument {
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #substituted = new Set<Scalar>();
  readonly #unresolved = new Set<Scalar>();
  readonly #hidden = new Set<string>();

  private constructor(file: string, document: Document, lines: LineCounter) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
  }

  /** Parses YAML; anything wrong with its syntax is in `errors`, and then there is no document. */
  static parse(file: string, text: string): { document: ConfigDocument | null; errors: WeirError[] } {
    const lines = new LineCounter();
    const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
    const document = new ConfigDocument(file, parsed, lines);
    const problems = [...parsed.errors, ...parsed.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
    const errors = problems.map((problem) => {
      const place = document.#placeAt(problem.pos[0]);
      const nearReference = problem.code === 'UNEXPECTED_TOKEN' && /\$\{?$/.test(text.slice(0, problem.pos[0]));
      const fix = nearReference ? 'Inside { } or [ ] a reference needs quotes: "${NAME}".' : SYNTAX_FIXES[problem.code];
      return new WeirError('WEIR_CONFIG_SYNTAX', problem.message, { fix, place });
    });
    for (const alias of document.#aliasesOfNothing()) {
      const place = document.#placeOf(alias);
      errors.push(
        new WeirError('WEIR_CONFIG_SYNTAX', `*${alias.source} names no anchor`, { fix: SYNTAX_FIXES['BAD_ALIAS'], place }),
      );
    }
    return errors.length > 0 ? { document: null, errors } : { document, errors };
  }

  /** Puts in the values of references; returns an error for each that has none. Places stay as they were. */
  resolveVariables(sources: VariableSources): WeirError[] {
    const errors: WeirError[] = [];
    visit(this.#document, {
      Scalar: (key, node, ancestors) => {
        if (key === 'key' || typeof node.value !== 'string') return;
        const substitution = substitute(node.value, sources);
        if (substitution === null) return;
        for (const value of substitution.values) if (value.length >= MIN_HIDDEN_LENGTH) this.#hidden.add(value);
        const path = pathText(pathTo([...ancestors, node]));
        for (const { message, fix } of substitution.problems) {
          errors.push(new WeirError('WEIR_CONFIG_VARIABLE', message, { fix, path, place: this.#placeOf(node) }));
        }
        if (substitution.text === null) this.#unresolved.add(node);
        else node.value = substitution.text;
        this.#substituted.add(node);
      },
    });
    return errors;
  }

  /** The whole file as plain values. */
  values(): unknown {
    return this.#document.toJS();
  }

  /** True when a reference in this value has no value: what else is wrong with it says nothing. */
  isUnresolved(path: ConfigPath): boolean {
    const node = this.#nodeAt(path);
    return isScalar(node) && this.#unresolved.has(node);
  }

  isFromVariable(path: ConfigPath): boolean {
    const node = this.#nodeAt(path);
    return isScalar(node) && this.#substituted.has(node);
  }

  /** Reads `${PORT}` as the number or boolean that its text is, as YAML would have. True when it was one. */
  retype(path: ConfigPath): boolean {
    const node = this.#nodeAt(path);
    if (!isScalar(node) || !this.#substituted.has(node)) return false;
    const plain = parseDocument(String(node.value)).toJS() as unknown;
    if (typeof plain !== 'number' && typeof plain !== 'boolean') return false;
    node.value = plain;
    return true;
  }

  /** The text with every value that came from a variable or a file hidden. */
  hideValues(text: string): string {
    let hidden = text;
    for (const value of this.#hidden) hidden = hidden.replaceAll(value, '***');
    return hidden;
  }

  /** Where a value stands; the nearest enclosing key when the file does not hold the value. */
  placeOfValue(path: ConfigPath): ConfigPlace {
    for (let end = path.length; end >= 0; end--) {
      const node = this.#nodeAt(path.slice(0, end));
      if (node === null) continue;
      if (end === path.length && !isMap(node)) return this.#placeOf(node);
      return this.#keyPlace(path.slice(0, end)) ?? this.#placeOf(node);
    }
    return this.#placeAt(0);
  }

  /** Where the key itself stands. */
  placeOfKey(path: ConfigPath): ConfigPlace {
    return this.#keyPlace(path) ?? this.placeOfValue(path);
  }

  #keyPlace(path: ConfigPath): ConfigPlace | null {
    const parent = this.#nodeAt(path.slice(0, -1));
    if (path.length === 0 || !isMap(parent)) return null;
    const pair = parent.items.find((item) => keyText(item.key) === String(path.at(-1)));
    return pair === undefined ? null : this.#placeOf(pair.key as Node);
  }

  #nodeAt(path: ConfigPath): Node | null {
    let node: unknown = this.#document.contents;
    for (const part of path) {
      if (isAlias(node)) node = node.resolve(this.#document);
      if (isMap(node)) node = node.items.find((item) => keyText(item.key) === String(part))?.value;
      else if (isSeq(node)) node = node.items[Number(part)];
      else return null;
    }
    return (node as Node | null | undefined) ?? null;
  }

  #aliasesOfNothing(): (Node & { source: string })[] {
    const found: (Node & { source: string })[] = [];
    visit(this.#document, {
      Alias: (_, node) => {
        if (node.resolve(this.#document) === undefined) found.push(node);
      },
    });
    return found;
  }

  #placeOf(node: Node): ConfigPlace {
    return this.#placeAt(node.range?.[0] ?? 0);
  }

  #placeAt(offset: number): ConfigPlace {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

/** The path that leads through a visitor's chain of nodes. */
function pathTo(chain: readonly unknown[]): ConfigPath {
  const path: (string | number)[] = [];
  for (let i = 0; i < chain.length; i++) {
    const node = chain[i];
    if (isPair(node)) path.push(keyText(node.key));
    else if (isSeq(node) && i + 1 < chain.length) path.push(node.items.indexOf(chain[i + 1]));
  }
  return path;
}
