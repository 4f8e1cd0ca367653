import { posix } from 'node:path';
import type { Finding } from './finding.ts';
import { isCode } from './syntax.ts';
import type { Files } from './workspace-files.ts';

const saysNothing = new Set(['common', 'helper', 'helpers', 'misc', 'shared', 'temp', 'tmp', 'types', 'util', 'utils']);
const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
/** In a connector `types.ts` maps the types of the system to logical types, and back. */
const typeMapping = /^packages\/(?:source|sink)-[^/]+\/src\/types(?:\.test)?\.ts$/;

/** Code is named in kebab-case after the concept that it holds. */
export function checkFileNames(files: Files): Finding[] {
  const findings: Finding[] = [];
  for (const file of files.keys()) {
    if (!isCode(file)) continue;
    const name = posix.basename(file);
    if (!kebab.test(name)) findings.push({ file, message: 'is not named in kebab-case' });
    const parts = [...posix.dirname(file).split('/'), name.split('.')[0]!];
    const empty = parts.find((part) => saysNothing.has(part) || /^(?:tmp|temp)-/.test(part));
    if (empty !== undefined && !typeMapping.test(file)) {
      findings.push({ file, message: `“${empty}” says nothing: name it after the concept that it holds` });
    }
  }
  return findings;
}
