import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The files of a workspace by their path from its root, with `/`; a binary file has an empty text. */
export type Files = ReadonlyMap<string, string>;

/** A file made by hand for a test of a check. */
export function filesOf(texts: Readonly<Record<string, string>>): Files {
  return new Map(Object.entries(texts));
}

/**
 * Reads every file that git would keep. It asks .gitignore and not git, so that it also works in an unpacked archive and for
 * files that are not added yet. Of .gitignore's language it knows `folder/`, `name`, `name*` and `*.end`.
 * @throws Error at any other pattern
 */
export function readWorkspace(root: string): Files {
  const ignored = ignoreRule(readFileSync(join(root, '.gitignore'), 'utf8'));
  const files = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (ignored(entry.name, entry.isDirectory())) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) files.set(relative(root, path).replaceAll('\\', '/'), readText(path));
    }
  };
  visit(root);
  return new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function readText(path: string): string {
  const bytes = readFileSync(path);
  return bytes.includes(0) ? '' : bytes.toString('utf8');
}

function ignoreRule(gitignore: string): (name: string, isFolder: boolean) => boolean {
  const folders = new Set(['.git']);
  const patterns: RegExp[] = [];
  for (const line of gitignore.split('\n').map((text) => text.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    if (!/^[\w.*-]+\/?$/.test(line)) throw new Error(`.gitignore: tidy does not know the pattern ${line}`);
    if (line.endsWith('/')) folders.add(line.slice(0, -1));
    else patterns.push(new RegExp(`^${line.replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
  }
  return (name, isFolder) => (isFolder && folders.has(name)) || patterns.some((pattern) => pattern.test(name));
}
