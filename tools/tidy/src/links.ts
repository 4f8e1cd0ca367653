import { posix } from 'node:path';
import { matches, type Finding } from './finding.ts';
import type { Files } from './workspace-files.ts';

/** Relative links of markdown lead to a file or folder that is there, and to a heading that is in it. */
export function checkLinks(files: Files): Finding[] {
  const findings: Finding[] = [];
  for (const [file, text] of files) {
    if (!file.endsWith('.md')) continue;
    findings.push(
      ...matches(
        file,
        withoutCode(text),
        /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|^\[[^\]]+\]:\s+(\S+)/gm,
        ([, inline, reference]) => brokenLink(files, file, inline ?? reference!),
      ),
    );
  }
  return findings;
}

function brokenLink(files: Files, from: string, link: string): string | null {
  if (/^(?:[a-z]+:|\/\/)/i.test(link)) return null;
  const [path = '', anchor] = link.split('#');
  if (path.startsWith('/')) return `links to ${link}: write it relative to this file`;
  const target =
    path === '' ? from : posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(path))).replace(/\/$/, '');
  const text = files.get(target);
  if (text === undefined && !isFolder(files, target)) return `links to ${link}, which is not there`;
  if (anchor === undefined || text === undefined || !target.endsWith('.md')) return null;
  return anchorsOf(text).has(anchor) ? null : `links to ${link}, but ${target} has no such heading`;
}

function isFolder(files: Files, path: string): boolean {
  if (path === '.' || path === '') return true;
  return [...files.keys()].some((file) => file.startsWith(`${path}/`));
}

/** Code of a page blanked, so that places stay where they are. */
function withoutCode(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1|`[^`\n]*`/gm, (code) => code.replace(/[^\n]/g, ' '));
}

/** The anchors that a forge makes of headings: lower case, no punctuation, hyphens for spaces, `-1` for a second one. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const anchor = heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    let free = anchor;
    for (let n = 1; anchors.has(free); n++) free = `${anchor}-${n}`;
    anchors.add(free);
  }
  return anchors;
}
