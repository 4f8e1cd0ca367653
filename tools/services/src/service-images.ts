/** A server that tests start in a container. */
export interface ServiceImage {
  readonly service: 'postgres' | 'toxiproxy';
  /** As tests name it: a major version. */
  readonly version: number;
  /** Where a container registry answers. */
  readonly official: string;
  /** Where none does: made here from `recipe`. */
  readonly built: string;
  readonly recipe: Recipe;
}

/** How an image is made without a registry: a small Debian, and a Dockerfile on top of it. */
export interface Recipe {
  /** The suite of Debian that has the packages. */
  readonly suite: 'trixie' | 'sid';
  /** Below `images`: a Dockerfile and what it copies. */
  readonly folder: string;
  readonly args: Readonly<Record<string, string>>;
}

/** The first of a service is the one that starts where no version is asked for. */
export const serviceImages: readonly ServiceImage[] = [
  postgres(18, 'sid'),
  postgres(17, 'trixie'),
  {
    service: 'toxiproxy',
    version: 2,
    official: 'ghcr.io/shopify/toxiproxy:2.12.0',
    built: 'weir-test/toxiproxy:2.12.0',
    recipe: { suite: 'sid', folder: 'toxiproxy', args: { VERSION: '2.12.0' } },
  },
];

function postgres(version: number, suite: Recipe['suite']): ServiceImage {
  return {
    service: 'postgres',
    version,
    official: `postgres:${version}`,
    built: `weir-test/postgres:${version}`,
    recipe: { suite, folder: 'postgres', args: { MAJOR: String(version) } },
  };
}
