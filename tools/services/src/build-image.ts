import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RECIPE_LABEL, baseRecipe, debianBase } from './debian-base.ts';
import { docker, imageLabel } from './docker.ts';
import type { Recipe, ServiceImage } from './service-images.ts';

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

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-12).join('\n');
}
