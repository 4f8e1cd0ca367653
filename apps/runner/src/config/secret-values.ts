import { Secret } from '@weir/sdk';
import type { Config } from './config.ts';

/** Shorter values are no secrets, and hiding them would spoil messages. */
const MIN_LENGTH = 4;

/**
 * The texts that no log line may hold (invariant 10): the value of every `Secret` of the configuration, and the password
 * of those that are URLs, as written and as decoded.
 */
export function secretValues(config: Config): string[] {
  const found = new Set<string>();
  for (const { source, sinks } of config.pipelines.values()) {
    for (const { config: block } of [source, ...sinks]) collect(block, found);
  }
  return [...found].filter((text) => text.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
}

function collect(value: unknown, found: Set<string>): void {
  if (value instanceof Secret) {
    const text = value.reveal();
    found.add(text);
    const password = URL.canParse(text) ? new URL(text).password : '';
    found.add(password);
    found.add(decoded(password));
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) collect(inner, found);
  }
}

function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}
