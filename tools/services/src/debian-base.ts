import { createHash } from 'node:crypto';
import { debianMirror, installPackages } from './debian-packages.ts';
import { command, imageLabel } from './docker.ts';

/** The label of an image that holds the hash of its recipe, so that one which is as it should be is not built again. */
export const RECIPE_LABEL = 'weir.recipe';

/** Longest that a Debian may take to be made, in ms. */
const BASE_LIMIT = 10 * 60_000;

/**
 * The options of mmdebstrap. The lists of packages stay, so that no image fetches them again; documentation is left out; the
 * Release file of a mirror that is a snapshot may have expired.
 */
export function baseRecipe(suite: string): string[] {
  const apt = ['Acquire::Check-Valid-Until "false"', 'APT::Install-Recommends "false"', 'Acquire::Languages "none"', 'Acquire::Retries "3"'];
  const left = ['doc', 'man', 'locale'].map((folder) => `path-exclude=/usr/share/${folder}/*`);
  return [
    '--quiet',
    '--variant=apt',
    '--include=passwd',
    '--skip=cleanup/apt/lists',
    ...apt.map((option) => `--aptopt=${option}`),
    ...['force-unsafe-io', ...left].map((option) => `--dpkgopt=${option}`),
    // Packages that put links there fail without it.
    '--customize-hook=mkdir -p "$1"/usr/share/man/man1 "$1"/usr/share/man/man7',
    suite,
  ];
}

/** Images are built two at a time: those on the same Debian wait for one. */
const begun = new Map<string, Promise<string>>();
let mmdebstrap: Promise<void> | null = null;

/**
 * A small Debian, imported as an image of its own: what other images get from a registry.
 * @param suite of Debian, such as `sid`
 * @returns its name
 * @throws Error with the end of what mmdebstrap said
 */
export async function debianBase(suite: string): Promise<string> {
  const base = begun.get(suite) ?? makeBase(suite);
  begun.set(suite, base);
  return await base;
}

async function makeBase(suite: string): Promise<string> {
  const image = `weir-test/debian:${suite}`;
  const recipe = baseRecipe(suite);
  const hash = createHash('sha256').update(recipe.join('\n')).digest('hex').slice(0, 16);
  if ((await imageLabel(image, RECIPE_LABEL)) === hash) return image;
  mmdebstrap ??= installMmdebstrap();
  await mmdebstrap;
  const changes = [`LABEL ${RECIPE_LABEL}=${hash}`, 'ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8', 'CMD ["bash"]'];
  const script = 'set -eo pipefail; mmdebstrap "${@:4}" | docker import --change "$1" --change "$2" --change "$3" - "$0"';
  const args = [image, ...changes, ...recipe, '-', await debianMirror()];
  const { code, output } = await command('/bin/bash', ['-c', script, ...args], { limit: BASE_LIMIT });
  if (code !== 0) throw new Error(`a Debian ${suite} could not be made:\n${output.trimEnd().split('\n').slice(-12).join('\n')}`);
  return image;
}

async function installMmdebstrap(): Promise<void> {
  if ((await command('mmdebstrap', ['--version'], { limit: 10_000 })).code !== 0) await installPackages(['mmdebstrap']);
}
