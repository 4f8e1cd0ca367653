import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** A file named by `${file:…}` holds a secret, not data. */
const MAX_FILE_BYTES = 64 * 1024;
const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Where references get their values from. */
export interface VariableSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths of `${file:…}` start here. */
  readonly directory: string;
}

/** Why a reference has no value. */
export interface VariableProblem {
  readonly message: string;
  readonly fix: string;
}

export interface Substitution {
  /** The text with every reference replaced; null when there is a problem. */
  readonly text: string | null;
  /** The values put in. They may be secrets, so no message shows them. */
  readonly values: readonly string[];
  readonly problems: readonly VariableProblem[];
}

/**
 * Replaces `${NAME}`, `${NAME:default}` and `${file:/path}` in the text of one scalar; `$${` stands for a plain `${`.
 * Null when the text holds no reference. A file's last line break is left out.
 */
export function substitute(text: string, sources: VariableSources): Substitution | null {
  if (!text.includes('${')) return null;
  const values: string[] = [];
  const problems: VariableProblem[] = [];
  const replaced = text.replace(REFERENCE, (reference: string, inner: string | undefined) => {
    if (inner === undefined) return '${';
    const result = reference.endsWith('}') ? lookUp(inner, sources) : unclosed();
    if (typeof result === 'string') values.push(result);
    else problems.push(result);
    return typeof result === 'string' ? result : '';
  });
  return { text: problems.length > 0 ? null : replaced, values, problems };
}

function unclosed(): VariableProblem {
  return { message: 'a reference starts with `${` and has no `}`', fix: 'Close it, or write `$${` for a plain `${`.' };
}

function lookUp(inner: string, { env, directory }: VariableSources): string | VariableProblem {
  if (inner.startsWith('file:')) return readSecretFile(resolve(directory, inner.slice('file:'.length)));
  const colon = inner.indexOf(':');
  const name = colon < 0 ? inner : inner.slice(0, colon);
  if (!NAME.test(name)) {
    return {
      message: '`${…}` does not hold the name of an environment variable',
      fix: 'Write ${NAME}, ${NAME:default} or ${file:/path}; `$${` stands for a plain `${`.',
    };
  }
  const value = env[name];
  if (value !== undefined) return value;
  if (colon < 0) {
    return {
      message: `the environment variable ${name} is not set`,
      fix: `Set ${name}, or give a default: \${${name}:default}.`,
    };
  }
  const fallback = inner.slice(colon + 1);
  if (!/^[-?+=]/.test(fallback)) return fallback;
  return {
    message: `\${${name}:${fallback[0]}…} is the shell's form of a default`,
    fix: `Without the sign after the colon: \${${name}:${fallback.slice(1)}}.`,
  };
}

function readSecretFile(file: string): string | VariableProblem {
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) {
      return {
        message: `${file} has ${size} bytes; a value may have ${MAX_FILE_BYTES}`,
        fix: 'Name the file that holds the value alone.',
      };
    }
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    return {
      message: `the file ${file} ${reason}`,
      fix: 'Make the file, readable for the user who runs weir, or correct its path.',
    };
  }
}
