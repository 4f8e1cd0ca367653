import { seededRandom } from './seeded-random.ts';

/** Text of 24,000 digits that hardly compresses, another for each `version`: databases store it apart from its row. */
export function largeValue(version: number): string {
  const random = seededRandom(version);
  return Array.from({ length: 3000 }, () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
}
