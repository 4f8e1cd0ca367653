// `npm run services`: makes everything ready that the tests start in containers, and says what it did.
import { prepareServices } from './prepare-services.ts';
import { serviceImages } from './service-images.ts';

const USAGE = `npm run services [-- NAME…]

Starts Docker (and installs it, as root on Debian) and gets the images of the servers that tests start in containers: from a
registry, or built here from Debian's packages where none answers. What is there already is left alone.

  NAME   only these of ${[...new Set(serviceImages.map(({ service }) => service))].join(', ')}

Exit code 1 when something could not be made ready; the suites that need it say so.`;

const names = process.argv.slice(2);
const chosen = serviceImages.filter(({ service }) => names.length === 0 || names.includes(service));
if (names.some((name) => !serviceImages.some(({ service }) => service === name))) {
  console.log(USAGE);
  process.exit(names.some((name) => name === '--help' || name === '-h') ? 0 : 2);
}
const failed = await prepareServices(chosen, (line) => console.log(`services: ${line}`));
process.exitCode = failed > 0 ? 1 : 0;
