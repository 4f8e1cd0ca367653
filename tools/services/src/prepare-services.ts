import { buildImage, isBuilt } from './build-image.ts';
import { docker, imageLabel } from './docker.ts';
import { ensureDocker } from './docker-daemon.ts';
import type { ServiceImage } from './service-images.ts';

/** Images that are made at once: one waits for the network or a disk while the other computes. */
const AT_ONCE = 2;
/** Longest that the first image may take from a registry, in ms; one that does not answer is not asked again. */
const PULL_LIMIT = 3 * 60_000;

/**
 * Makes Docker run and every image be there: as it is, else from a registry, else built here.
 * @param say is told what was done, a line each
 * @returns how many could not be made
 */
export async function prepareServices(images: readonly ServiceImage[], say: (line: string) => void): Promise<number> {
  const started = Date.now();
  try {
    say(`Docker ${await ensureDocker()} (${seconds(started)})`);
  } catch (error) {
    say(messageOf(error));
    return images.length;
  }
  const registries = new Registries();
  let failed = 0;
  const left = images.values();
  const worker = async (): Promise<void> => {
    for (const image of left) {
      const began = Date.now();
      const name = `${image.service} ${image.version}`;
      try {
        say(`${name}: ${await prepareImage(image, registries)} (${seconds(began)})`);
      } catch (error) {
        failed++;
        say(`${name}: ${messageOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return failed;
}

async function prepareImage(image: ServiceImage, registries: Registries): Promise<string> {
  if (await isBuilt(image)) return `${image.built} is here`;
  if ((await imageLabel(image.official, 'any')) !== null) return `${image.official} is here`;
  const refusal = await registries.pull(image.official);
  if (refusal === null) return `pulled ${image.official}`;
  await buildImage(image);
  return `built ${image.built}, since ${refusal}`;
}

/** Container registries by host; one that has not answered is not asked again. Images come one after the other. */
class Registries {
  readonly #silent = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  /** @returns null when the image is here now, else why it is not */
  async pull(image: string): Promise<string | null> {
    const answer = this.#turn.then(async () => await this.#ask(image));
    this.#turn = answer;
    return await answer;
  }

  async #ask(image: string): Promise<string | null> {
    const host = image.includes('/') ? image.slice(0, image.indexOf('/')) : 'docker.io';
    const known = this.#silent.get(host);
    if (known !== undefined) return known;
    const { code, output } = await docker(['pull', '--quiet', image], PULL_LIMIT);
    if (code === 0) return null;
    const refusal = `${host} does not give images here: ${output.trim().split('\n').at(-1) ?? 'no answer'}`;
    this.#silent.set(host, refusal);
    return refusal;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
