import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { debianMirror, installPackages } from './debian-packages.ts';
import { command, docker, imageLabel } from './docker.ts';
import type { Recipe, ServiceImage } from './service-images.ts';

/** The label of an image that holds the hash of its recipe, so that one which is as it should be is not built again. */
export const RECIPE_LABEL = 'weir.recipe';

/** The certificates that this machine trusts; Debian and the images made from it have them in this file. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const IMAGES = resolve(import.meta.dirname, '../images');
/** Longest that one image may take to build, in ms. */
const BUILD_LIMIT = 10 * 60_000;

/** True when the image is here and was built from the recipe as it stands. */
export async function isBuilt({ built, recipe }: ServiceImage): Promise<boolean> {
  return (await imageLabel(built, RECIPE_LABEL)) === recipeHash(recipe);
}

/** Builds an image from Debian's packages. @throws Error with the end of what the builder said */
export async function buildImage({ built, recipe }: ServiceImage): Promise<void> {
  const base = await debianBase(recipe.suite);
  const args = Object.entries({ ...networkArgs(), ...recipe.args, BASE: base });
  const label = `${RECIPE_LABEL}=${recipeHash(recipe)}`;
  const context = await mkdtemp(join(tmpdir(), 'weir-image-'));
  try {
    await cp(resolve(IMAGES, recipe.folder), context, { recursive: true });
    if (existsSync(CERTIFICATES)) await copyFile(CERTIFICATES, join(context, 'ca-certificates.crt'));
    const given = args.flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
    const { code, output } = await docker(['build', '--force-rm', '--tag', built, '--label', label, ...given, context], BUILD_LIMIT);
    if (code !== 0) throw new Error(`${built} could not be built:\n${lastLines(output)}`);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** How this machine reaches the network; no part of a recipe. */
function networkArgs(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'GOPROXY'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Changes whenever what is in the image would. */
export function recipeHash({ suite, folder, args }: Recipe): string {
  const hash = createHash('sha256').update(JSON.stringify([baseRecipe(suite), args]));
  for (const name of readdirSync(resolve(IMAGES, folder)).toSorted())
    hash.update(`\0${name}\0`).update(readFileSync(resolve(IMAGES, folder, name)));
  return hash.digest('hex').slice(0, 16);
}

/**
 * The options of mmdebstrap. The lists of packages stay, so that no image fetches them again; documentation is left out; the
 * Release file of a mirror that is a snapshot may have expired.
 */
function baseRecipe(suite: string): string[] {
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

/** A small Debian, imported as an image of its own: what other images get from a registry. @returns its name */
async function debianBase(suite: string): Promise<string> {
  const image = `weir-test/debian:${suite}`;
  const recipe = baseRecipe(suite);
  const hash = createHash('sha256').update(recipe.join('\n')).digest('hex').slice(0, 16);
  if ((await imageLabel(image, RECIPE_LABEL)) === hash) return image;
  if ((await command('mmdebstrap', ['--version'], { limit: 10_000 })).code !== 0) await installPackages(['mmdebstrap']);
  const changes = [`LABEL ${RECIPE_LABEL}=${hash}`, 'ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8', 'CMD ["bash"]'];
  const script = 'set -eo pipefail; mmdebstrap "${@:4}" | docker import --change "$1" --change "$2" --change "$3" - "$0"';
  const args = [image, ...changes, ...recipe, '-', await debianMirror()];
  const { code, output } = await command('/bin/bash', ['-c', script, ...args], { limit: BUILD_LIMIT });
  if (code !== 0) throw new Error(`a Debian ${suite} could not be made:\n${lastLines(output)}`);
  return image;
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-12).join('\n');
}
