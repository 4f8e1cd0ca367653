import { inspect } from 'node:util';

/** A value that prints as `***` everywhere (invariant 10); only {@link Secret.reveal} gives it away. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }
}

Object.defineProperty(Secret.prototype, inspect.custom, { value: () => '***' });

/** The start of a URL with a user and a password, up to the password. */
const BEFORE_PASSWORD = /[a-z0-9+.-]:\/\/[^:@/]*:/i;
const PASSWORD_PARAMETER = /\b(\w*(?:password|passwd|secret|token))=[^\s&;]+/gi;

/**
 * Hides the passwords of URLs and of connection strings in a text: `postgres://app:s3cret@db/shop?password=s3cret` becomes
 * `postgres://app:***@db/shop?password=***`. Where it cannot tell it hides too much.
 */
export function redactUrls(text: string): string {
  return text.replace(/\S+/g, redactUserInfo).replace(PASSWORD_PARAMETER, '$1=***');
}

/** People leave `@` and `/` in passwords as they are, so everything up to the last `@` of the word counts as one. */
function redactUserInfo(word: string): string {
  const end = word.lastIndexOf('@');
  const before = end === -1 ? null : BEFORE_PASSWORD.exec(word.slice(0, end));
  return before === null ? word : `${word.slice(0, before.index + before[0].length)}***${word.slice(end)}`;
}
