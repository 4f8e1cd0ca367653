import { hostname } from 'node:os';
import { docker, imageLabel, isAlive, serviceImages, type ServiceImage } from '@weir/services';

/** Marks the containers of tests, and says which process they are for. */
const PROCESS_LABEL = 'weir.test.process';

export function processLabel(): Record<string, string> {
  return { [PROCESS_LABEL]: `${hostname()}:${process.pid}` };
}

/** The images of a service at a version. @throws Error where there is none */
export function imagesOf(service: ServiceImage['service'], version?: number | string): ServiceImage {
  const found = serviceImages.find((each) => each.service === service && String(version ?? each.version) === String(each.version));
  if (found !== undefined) return found;
  const known = serviceImages.filter((each) => each.service === service).map((each) => each.version);
  throw new Error(`there is no image of ${service} ${version}; tools/services knows ${known.join(', ')}`);
}

/**
 * The image that is on this machine, else the official one, which Testcontainers then pulls. It also tells Testcontainers
 * what it cannot know where images were built here: there is no image of its reaper, and containers are on this machine,
 * even when a container is what this process runs in.
 */
export async function chooseImage({ official, built }: ServiceImage): Promise<string> {
  if ((await imageLabel(official, '')) !== null || (await imageLabel(built, '')) === null) return official;
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= '127.0.0.1';
  await sweep();
  return built;
}

/** Starts a container of the chosen image. @throws Error that names the command which helps */
export async function startContainer<Started>(
  images: ServiceImage,
  start: (image: string) => Promise<Started>,
): Promise<Started> {
  const image = await chooseImage(images);
  try {
    return await start(image);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${image} does not start: ${reason}\n\`npm run services\` makes the images ready, also without a registry`, { cause });
  }
}

/** Removes containers whose test process was killed: without a reaper nobody else does. */
async function sweep(): Promise<void> {
  const format = `{{.ID}} {{.Label "${PROCESS_LABEL}"}}`;
  const { output } = await docker(['ps', '--all', '--filter', `label=${PROCESS_LABEL}`, '--format', format]);
  for (const line of output.split('\n')) {
    const [id = '', owner = ''] = line.split(' ');
    const [host, pid] = owner.split(':');
    if (host === hostname() && !isAlive(Number(pid))) await docker(['rm', '--force', '--volumes', id]);
  }
}
