import { matches, type Finding } from './finding.ts';
import type { Files } from './workspace-files.ts';

/** Put together from parts, so that this file does not find itself. */
const homes = ['wo' + 'rk', 'ro' + 'ot', 'ho' + 'me', 'Us' + 'ers', 'fa' + 'rm'];
const machinePath = new RegExp(`(?<![\\w.$})-])/(?:${homes.join('|')})/`, 'g');
const registryHost = /https?:\/\/(?:registry|repo1?|proxy|index|static|deb|security|files)\.[\w.-]+/g;

/** Paths of one person's machine and addresses of package registries: neither holds elsewhere. */
export function checkMachineTraces(files: Files): Finding[] {
  const findings: Finding[] = [];
  for (const [file, text] of files) {
    findings.push(...matches(file, text, machinePath, ([path]) => `holds the path of one machine: ${path}`));
    findings.push(...matches(file, text, registryHost, ([host]) => `names a package registry: ${host}`));
  }
  return findings;
}
