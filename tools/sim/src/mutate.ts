import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Edit, Mutant } from './mutant.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * Has modules that this thread loads from now on be those of a mutant: the real files with some text replaced.
 * @throws Error when a text is not there exactly once, so that no mutant is tested that is none any more
 */
export function loadMutant({ edits }: Mutant): void {
  const sources = new Map<string, string>();
  for (const edit of edits) sources.set(`${root}${edit.file}`, edited(sources.get(`${root}${edit.file}`), edit));
  registerHooks({
    load(url, context, next) {
      const source = url.startsWith('file:') ? sources.get(fileURLToPath(url)) : undefined;
      if (source === undefined) return next(url, context);
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}

/** The text of a file after an edit. @param text null: as it is on disk */
export function edited(text: string | undefined, { file, find, replace }: Edit): string {
  const before = text ?? readFileSync(`${root}${file}`, 'utf8');
  const parts = before.split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${find}`);
  return parts.join(replace);
}
