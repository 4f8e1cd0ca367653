/** A server that tests start in a container. */
export interface ServiceImage {
  readonly service: 'postgres' | 'mysql' | 'mariadb' | 'toxiproxy';
  /** As tests name it: a major version; MariaDB's have two numbers. */
  readonly version: number | string;
  /** Where a container registry answers. */
  readonly official: string;
  /** Where none does: made here from `recipe`. */
  readonly built: string;
  readonly recipe: Recipe;
}

/** How an image is made without a registry: a small Debian, and a Dockerfile on top of it. */
export interface Recipe {
  /** The suite of Debian that has the packages. */
  readonly suite: 'bookworm' | 'trixie' | 'sid';
  /** Below `images`: a Dockerfile and what it copies. */
  readonly folder: string;
  readonly args: Readonly<Record<string, string>>;
}

/**
 * The first of a service is the one that starts where no version is asked for. Two are built at once, in this order: each Debian,
 * and what takes longest, early.
 */
export const serviceImages: readonly ServiceImage[] = [
  postgres(18, 'sid'),
  mariadb('11.8', 'trixie'),
  {
    service: 'toxiproxy',
    version: 2,
    official: 'ghcr.io/shopify/toxiproxy:2.12.0',
    built: 'weir-test/toxiproxy:2.12.0',
    recipe: { suite: 'sid', folder: 'toxiproxy', args: { VERSION: '2.12.0' } },
  },
  mariadb('10.11', 'bookworm'),
  postgres(17, 'trixie'),
  {
    service: 'mysql',
    version: 9,
    official: 'mysql:9',
    built: 'weir-test/mysql:9',
    recipe: { suite: 'sid', folder: 'mysql', args: { SERVER: 'mysqld', PACKAGES: 'mysql-server-core=9.* mysql-client-core=9.*' } },
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

function mariadb(version: string, suite: Recipe['suite']): ServiceImage {
  return {
    service: 'mariadb',
    version,
    official: `mariadb:${version}`,
    built: `weir-test/mariadb:${version}`,
    recipe: {
      suite,
      folder: 'mysql',
      args: { SERVER: 'mariadbd', PACKAGES: `mariadb-server-core=1:${version}.* mariadb-client-core` },
    },
  };
}
