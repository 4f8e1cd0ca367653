import { InvalidArgumentError, type Command } from 'commander';
import type { CommandContext } from './context.ts';

/** Adds one command to the program. Its action imports what it needs, so that `--help` loads no driver. */
export type Register = (program: Command, context: CommandContext) => void;

/** The examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** An argument that is a whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`);
    }
    return value;
  };
}
