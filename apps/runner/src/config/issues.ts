import { WeirError, closestName } from '@weir/sdk';
import type { z } from 'zod';
import { pathText, type ConfigPath } from './config.ts';
import type { ConfigDocument } from './document.ts';
import { knownKeys, type JsonSchema } from './json-schema.ts';
import { laterKeys } from './schema.ts';

type Issue = z.core.$ZodIssue;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
  array: 'a list',
};

/** Turns what the schema says about a file into errors for a person: place, path, what was expected, the closest name. */
export class IssueReport {
  readonly errors: WeirError[] = [];
  readonly #document: ConfigDocument;
  readonly #schema: JsonSchema;
  /** Paths of maps with an unknown key, and paths that such a key was probably meant to be: nothing more to say of them. */
  readonly #explained = new Set<string>();

  constructor(document: ConfigDocument, schema: JsonSchema) {
    this.#document = document;
    this.#schema = schema;
  }

  /** Adds an error for each issue, unknown keys first: a typo explains what else is wrong with its map. */
  addAll(issues: readonly Issue[], base: ConfigPath = []): void {
    for (const issue of issues) {
      if (issue.code !== 'unrecognized_keys') continue;
      for (const key of issue.keys) this.#unknownKey([...base, ...(issue.path as ConfigPath), key]);
    }
    for (const issue of issues) if (issue.code !== 'unrecognized_keys') this.#add(issue, base);
  }

  #add(issue: Issue, base: ConfigPath): void {
    const path = [...base, ...(issue.path as ConfigPath)];
    if (this.#document.isUnresolved(path) || this.#isExplained(issue, path)) return;
    switch (issue.code) {
      case 'invalid_union':
        return this.#union(issue, path);
      case 'invalid_key':
        return this.#report(path, issue.issues.map(({ message }) => message).join('; '), undefined, 'key');
      case 'invalid_value':
        return this.#wrongValue(issue, path);
      case 'invalid_type':
        return this.#report(path, this.#own(issue) ?? this.#wrongType([issue.expected], path));
      default:
        return this.#report(path, plainMessage(issue));
    }
  }

  #unknownKey(path: ConfigPath): void {
    const key = String(path.at(-1));
    const later = laterKeys[key];
    if (later !== undefined) return this.#report(path, `\`${key}\` is not in this version`, later, 'key');
    const known = knownKeys(this.#schema, path.slice(0, -1));
    const closest = closestName(key, known);
    const fix = closest === null ? undefined : `Did you mean \`${closest}\`?`;
    this.#explained.add(pathText(path.slice(0, -1)));
    if (closest !== null) this.#explained.add(pathText([...path.slice(0, -1), closest]));
    this.#report(path, `unknown key \`${key}\`; expected ${known.join(', ')}`, fix, 'key');
  }

  /** An error about a whole map, or a value that is missing, after the typo that it comes from. */
  #isExplained(issue: Issue, path: ConfigPath): boolean {
    return this.#explained.has(pathText(path)) && (issue.code === 'custom' || this.#valueAt(path) === undefined);
  }

  #wrongValue(issue: z.core.$ZodIssueInvalidValue, path: ConfigPath): void {
    const own = this.#own(issue);
    if (own !== null) return this.#report(path, own);
    const value = this.#valueAt(path);
    const expected = issue.values.map(String).join(' or ');
    if (value === undefined) return this.#report(path, `missing; expected ${expected}`);
    if (typeof value !== 'string' || this.#document.isFromVariable(path)) return this.#report(path, `expected ${expected}`);
    const closest = closestName(value, issue.values.map(String));
    this.#report(path, `expected ${expected}, got ${value}`, closest === null ? undefined : `Did you mean \`${closest}\`?`);
  }

  /** The branch of a union that fits best speaks; when none fits at all, the branches together say what was expected. */
  #union(issue: z.core.$ZodIssueInvalidUnion, path: ConfigPath): void {
    const branches = issue.errors.filter((branch) => !branch.some((inner) => inner.path.length === 0 && isOfType(inner)));
    const [best] = branches.sort((a, b) => a.length - b.length);
    if (best !== undefined) {
      this.addAll(best, path);
      return;
    }
    const own = this.#own(issue);
    const choice = issue.errors.flat().find((inner) => inner.code === 'invalid_value');
    // Text where one of some words is expected, or something else: it was probably meant to be one of the words.
    if (own === null && choice !== undefined && typeof this.#valueAt(path) === 'string') return this.#wrongValue(choice, path);
    const expected = issue.errors.flat().flatMap((inner): string[] => {
      if (inner.code === 'invalid_value') return inner.values.map(String);
      return inner.code === 'invalid_type' ? [inner.expected] : [];
    });
    this.#report(path, own ?? this.#wrongType(expected, path));
  }

  #wrongType(expected: readonly string[], path: ConfigPath): string {
    const names = [...new Set(expected.map((type) => TYPE_NAMES[type] ?? type))].join(' or ');
    const value = this.#valueAt(path);
    if (value === undefined) return `missing; expected ${names}`;
    return `expected ${names}, got ${kindOf(value)}`;
  }

  /** The message that the schema's author wrote; null when it is the library's. */
  #own(issue: Issue): string | null {
    return /^(Invalid|Too|Unrecognized)\b/.test(issue.message) ? null : issue.message;
  }

  #valueAt(path: ConfigPath): unknown {
    let value = this.#document.values();
    for (const part of path) value = (value as Record<string | number, unknown> | null | undefined)?.[part];
    return value;
  }

  #report(path: ConfigPath, message: string, fix?: string, at: 'key' | 'value' = 'value'): void {
    const place = at === 'key' ? this.#document.placeOfKey(path) : this.#document.placeOfValue(path);
    const shown = this.#document.hideValues(message);
    this.errors.push(new WeirError('WEIR_CONFIG_INVALID', shown, { path: pathText(path) || undefined, place, fix }));
  }
}

function isOfType(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function plainMessage(issue: Issue): string {
  if (issue.code === 'too_small' && issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
  if (issue.code === 'too_small' && issue.origin === 'array' && issue.minimum === 1) return 'expected at least one entry';
  return issue.message.replace(/^(Invalid (input|string)|Too (small|big)): /, '');
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object'
    ? 'a mapping'
    : { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as 'string'];
}
