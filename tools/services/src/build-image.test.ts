import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { recipeHash } from './build-image.ts';
import { serviceImages } from './service-images.ts';

test('an image is built again when its Debian or an argument of its recipe changes', () => {
  const recipe = { suite: 'sid', folder: 'postgres', args: { MAJOR: '18' } } as const;
  expect(recipeHash({ ...recipe })).toBe(recipeHash(recipe));
  const hashes = [recipe, { ...recipe, suite: 'trixie' as const }, { ...recipe, args: { MAJOR: '17' } }, { ...recipe, folder: 'toxiproxy' }];
  expect(new Set(hashes.map(recipeHash)).size).toBe(4);
});

test.each(serviceImages)('the recipe of $service $version has the arguments that its Dockerfile takes', ({ recipe }) => {
  const file = resolve(import.meta.dirname, '../images', recipe.folder, 'Dockerfile');
  expect(existsSync(file)).toBe(true);
  const taken = [...readFileSync(file, 'utf8').matchAll(/^ARG (\w+)$/gm)].map(([, name]) => name);
  expect(taken).toEqual(expect.arrayContaining(['BASE', ...Object.keys(recipe.args)]));
});

test('no two images share a name', () => {
  const names = serviceImages.flatMap(({ official, built }) => [official, built]);
  expect(new Set(names).size).toBe(names.length);
});
