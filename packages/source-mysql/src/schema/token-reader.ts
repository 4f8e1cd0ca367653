import type { TableName } from '@weir/sdk';
import type { Token } from './sql-tokens.ts';

/** Reads a statement token by token. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #database: string;
  #at = 0;

  /** @param database for names of tables without one */
  constructor(tokens: readonly Token[], database: string) {
    this.#tokens = tokens;
    this.#database = database;
  }

  /** The next token; null at the end. */
  get next(): Token | null {
    return this.#tokens[this.#at] ?? null;
  }

  take(): Token | null {
    const token = this.next;
    if (token !== null) this.#at++;
    return token;
  }

  /** Takes the next token where it is one of these words. @returns which, in lower case; null when it is none */
  takeOf(...words: readonly string[]): string | null {
    const word = this.#wordAt(0);
    if (word === null || !words.includes(word)) return null;
    this.#at++;
    return word;
  }

  /** Takes all of these words, or none. */
  takeWords(...words: readonly string[]): boolean {
    if (!this.sees(...words)) return false;
    this.#at += words.length;
    return true;
  }

  /** Whether these words come next. */
  sees(...words: readonly string[]): boolean {
    return words.every((word, index) => this.#wordAt(index) === word);
  }

  takeSymbol(symbol: string): boolean {
    const { next } = this;
    if (next === null || next.kind !== 'symbol' || next.text !== symbol) return false;
    this.#at++;
    return true;
  }

  /** A name of whatever; null where none stands. */
  name(): string | null {
    const { next } = this;
    if (next === null || (next.kind !== 'word' && next.kind !== 'name' && next.kind !== 'quoted')) return null;
    this.#at++;
    return next.text;
  }

  /** `table` or `database.table`. */
  table(): TableName | null {
    const first = this.name();
    if (first === null) return null;
    if (!this.takeSymbol('.')) return { namespace: this.#database, name: first };
    const second = this.name();
    return second === null ? null : { namespace: first, name: second };
  }

  #wordAt(ahead: number): string | null {
    const token = this.#tokens[this.#at + ahead];
    return token?.kind === 'word' ? token.text.toLowerCase() : null;
  }
}
