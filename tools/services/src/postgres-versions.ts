import { WeirError } from '@weir/sdk';

/** The major versions of PostgreSQL that Weir supports and that can be started here. */
export const postgresVersions = [14, 15, 16, 17, 18] as const;
export type PostgresVersion = (typeof postgresVersions)[number];

/** What starts where no version is asked for; the only one that comes with the product, the others are for tests. */
export const defaultVersion: PostgresVersion = 18;

/** The environment variable that chooses the version of servers for tests. */
export const VERSION_VARIABLE = 'WEIR_TEST_POSTGRES_VERSION';

/**
 * Reads a major version, such as the content of a data folder's PG_VERSION.
 * @param where what the text comes from, for the message
 * @throws WeirError WEIR_DEMO_POSTGRES when it is none of `postgresVersions`
 */
export function parseVersion(text: string, where: string): PostgresVersion {
  const version = postgresVersions.find((each) => String(each) === text.trim());
  if (version !== undefined) return version;
  throw new WeirError('WEIR_DEMO_POSTGRES', `${where} is "${text.trim()}", which is no version of PostgreSQL known here`, {
    fix: `Use one of ${postgresVersions.join(', ')}.`,
  });
}

/** The version of servers for tests: `WEIR_TEST_POSTGRES_VERSION`, else the default. */
export function versionForTests(): PostgresVersion {
  const asked = process.env[VERSION_VARIABLE] ?? '';
  return asked === '' ? defaultVersion : parseVersion(asked, VERSION_VARIABLE);
}
