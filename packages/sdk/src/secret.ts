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

/** Hides the password of a URL in a text: `postgres://app:s3cret@db/shop` becomes `postgres://app:***@db/shop`. */
export function redactUrls(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s@]*@/gi, '$1:***@');
}
